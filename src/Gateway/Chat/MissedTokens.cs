using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Gateway.Chat;

/// <summary>
/// What a broken answer was charged for and did not bring: a provider keeps the ids of all tokens for a day, and they
/// are what its receipt commits to.
/// </summary>
internal sealed class MissedTokens(Journal<CustomerBook> journal, NodeClient nodes)
{
    /// <summary>Completes an answer whose receipt was booked after its stream had broken, as far as ids tell
    /// it.</summary>
    /// <returns>The receipt; null where none was booked.</returns>
    public async Task<Receipt?> FetchAsync(PaidCall call, Answer answer)
    {
        var rows = await journal.Ledger.FindAsync(call.Paid.Id.ToString(), CancellationToken.None);
        var receipt = rows.Select(RowCodec.ToEvent).OfType<ReceiptReceived>().FirstOrDefault()?.Receipt.Message;
        if (receipt is null || !answer.IsToldByIds || receipt.OutputTokens <= answer.Received)
        {
            return receipt;
        }

        var asked = await nodes.GetRequestAsync(call.Target, call.Paid.Id, CancellationToken.None);
        if (asked.TryGet(out var record, out _)
            && Commitments.Output(call.Paid.Salt.ToBytes(), [.. record.Choices.Select(choice => choice.Ids)])
                == receipt.OutputCommitment)
        {
            answer.Complete(record.Choices);
        }

        return receipt;
    }
}
