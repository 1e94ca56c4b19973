using Microsoft.Extensions.Logging;
using Souk.Chain;
using Souk.Gateway.Channels;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Market.Budgets;
using Souk.Market.Receipts;
using Souk.Protocol;

namespace Souk.Gateway.Receipts;

/// <summary>
/// Books the end of a paid request: a receipt that holds, a refusal that cost nothing, or a dispute that freezes the
/// channel. The app's bill is booked in the same row set, so that money and budget never disagree.
/// </summary>
internal sealed partial class ReceiptBooks(
    IMarketChain chain, Journal<CustomerBook> journal, ChannelPlanner planner, TimeProvider time,
        ILogger<ReceiptBooks> log)
{
    private readonly SoukDomain _domain = chain.Network.SoukDomain;

    /// <summary>
    /// Checks a receipt and books it with the app's bill. A receipt that does not hold freezes the channel; the app is
    /// then billed nothing, since what it got was not what was agreed.
    /// </summary>
    /// <returns>The app's bill, or why the receipt was refused.</returns>
    public async Task<Result<Amount>> TakeAsync(
        Signed<Receipt> receipt, ReceiptExpectation expected, Delivered delivered, RequestId appRequest)
    {
        var checkedReceipt = ReceiptRules.Check(_domain, receipt, expected, delivered);
        if (!checkedReceipt.TryGet(out _, out var refusal))
        {
            await DisputeAsync(expected.RequestId, expected.ChannelId, appRequest, refusal, receipt);
            return refusal;
        }

        var bill = Amount.Zero;
        var isBooked = false;
        await journal.RecordAsync(book =>
        {
            isBooked = !book.Outstanding.ContainsKey(expected.RequestId);
            if (isBooked)
            {
                return Array.Empty<LedgerEvent>();
            }

            // One time for both, so that a receipt and its bill are never of two days.
            var now = Now();
            List<LedgerEvent> events = [new ReceiptReceived(receipt, now)];
            if (book.Reservations.TryGetValue(appRequest, out var reservation))
            {
                bill = ApiKeyRules.Bill(receipt.Message.Charge, reservation.Amount);
                events.Add(bill.IsZero
                    ? new BudgetReleased(appRequest, reservation.KeyHash, now)
                    : new BudgetCharged(appRequest, reservation.KeyHash, bill, now));
            }

            return events.ToArray();
        });
        planner.Signal();
        return isBooked ? await BilledAsync(appRequest) : bill;
    }

    /// <summary>What an app's request was billed in the end; zero where it was released.</summary>
    public async Task<Amount> BilledAsync(RequestId appRequest)
    {
        var rows = await journal.Ledger.FindAsync(appRequest.ToString(), CancellationToken.None);
        return rows.Select(RowCodec.ToEvent).OfType<BudgetCharged>().Select(row => row.Charged)
            .DefaultIfEmpty(Amount.Zero).First();
    }

    /// <summary>Books a request that never arrived or was refused unseen: nothing was charged.</summary>
    public async Task RefusedAsync(RequestId request, Bytes32 channel, RequestId appRequest, string code)
    {
        await journal.RecordAsync(book =>
        {
            List<LedgerEvent> events = [];
            if (book.Outstanding.ContainsKey(request))
            {
                events.Add(new RequestRefused(request, channel, code, Now()));
            }

            Release(book, appRequest, events);
            return events.ToArray();
        });
        planner.Signal();
    }

    /// <summary>Frees what an app's request had reserved; whatever its provider still charges is the gateway's
    /// cost.</summary>
    public Task ReleaseAsync(RequestId appRequest) => journal.RecordAsync(book =>
    {
        List<LedgerEvent> events = [];
        Release(book, appRequest, events);
        return events.ToArray();
    });

    /// <summary>Freezes a channel for good; what it holds is taken back as far as the chain lets it.</summary>
    public async Task DisputeAsync(
        RequestId request, Bytes32 channel, RequestId appRequest, Refusal why, Signed<Receipt>? evidence)
    {
        await journal.RecordAsync(book =>
        {
            List<LedgerEvent> events = [];
            if (!book.Outstanding.ContainsKey(request))
            {
                // Explained meanwhile: there is nothing left to dispute.
                return events.ToArray();
            }

            if (book.Channels[channel].State is not (CustomerChannelState.Frozen or CustomerChannelState.Closed))
            {
                LogDispute(channel, why.Code, why.Message);
                events.Add(new ChannelFrozen(channel, why.Code, why.Message, evidence, Now()));
            }

            Release(book, appRequest, events);
            return events.ToArray();
        });
    }

    private void Release(CustomerBook book, RequestId appRequest, List<LedgerEvent> events)
    {
        if (book.Reservations.TryGetValue(appRequest, out var reservation))
        {
            events.Add(new BudgetReleased(appRequest, reservation.KeyHash, Now()));
        }
    }

    private ulong Now() => (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();

    [LoggerMessage(Level = LogLevel.Error, Message = "Channel {Channel} is frozen ({Code}): {Reason}")]
    private partial void LogDispute(Bytes32 channel, string code, string reason);
}
