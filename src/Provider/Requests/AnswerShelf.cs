using Souk.Ledger;
using Souk.Ledger.Selling;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Provider.Requests;

/// <summary>
/// The token ids of ended answers, for customers whose stream broke. They are what a customer was told in confidence:
/// durable with charge and receipt, and erased when the receipt is no longer served.
/// </summary>
internal static class AnswerShelf
{
    /// <summary>What is to be kept with the receipt of an answer; null where it is too long to be served
    /// again.</summary>
    /// <param name="id">The request.</param>
    /// <param name="choices">All that was generated.</param>
    /// <param name="nowMs">Unix milliseconds.</param>
    public static LedgerNote? Note(RequestId id, IReadOnlyList<RequestChoice> choices, ulong nowMs)
    {
        var body = new RequestRecord(id, RequestState.Ended, choices, null).ToJson();
        return body.Length <= LedgerLimits.MaxNoteBytes
            ? new LedgerNote(body, nowMs + ProviderBook.ReceiptKeptMs)
            : null;
    }

    /// <summary>What is kept of an answer; empty where nothing is.</summary>
    public static async Task<IReadOnlyList<RequestChoice>> FindAsync(
        ILedger ledger, RequestId id, CancellationToken cancellation) =>
        await ledger.FindNoteAsync(id.ToString(), cancellation) is { } body
        && RequestRecord.Parse(body).TryGet(out var record, out _)
            ? record.Choices
            : [];
}
