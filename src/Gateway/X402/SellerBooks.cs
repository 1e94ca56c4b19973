using Microsoft.Extensions.Logging;
using Souk.Chain;
using Souk.Gateway.Channels;
using Souk.Gateway.Keys;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Market.Budgets;
using Souk.OpenAi.Chat;
using Souk.Protocol;
using Souk.Wire.X402;

namespace Souk.Gateway.X402;

/// <summary>A purchase that is reserved, vouched for and written down, before it leaves.</summary>
/// <param name="Id">Names it in the ledger.</param>
/// <param name="AppRequest">The app's request that it is for.</param>
/// <param name="Channel">The channel as it is while the purchase runs.</param>
/// <param name="Voucher">What pays it.</param>
/// <param name="Most">What it may cost.</param>
internal sealed record OpenPurchase(
    RequestId Id, RequestId AppRequest, CustomerChannel Channel, Voucher Voucher, Amount Most);

/// <summary>
/// Books purchases from x402 servers. Budget and channel change in the same rows, so that they never disagree.
/// </summary>
internal sealed partial class SellerBooks(
    GatewayOptions options, IMarketChain chain, Journal<CustomerBook> journal, TimeProvider time, Randomness randomness,
    ILogger<SellerBooks> log)
{
    private readonly EscrowDomain _escrow = chain.Network.EscrowDomain;

    /// <summary>Sets the most that a request can cost aside, signs exactly that beyond the channel's base, and makes
    /// both durable.</summary>
    public Task<Result<OpenPurchase>> ReserveAsync(
        string model, Caller caller, RequestId appRequest, Bytes32 channelId, Amount most)
    {
        var keyHash = caller.Key.KeyHash;
        var id = randomness.NextRequestId();
        return journal.RecordAsync<OpenPurchase>(book =>
        {
            var now = Now();
            if (!KeyStanding.Reserve(book, keyHash, appRequest, most, now).TryGet(out var reserved, out var poor))
            {
                return poor;
            }

            var channel = book.Channels[channelId];
            if (channel.State != CustomerChannelState.Idle || channel.Free < most)
            {
                return new Refusal(
                    Fault.Nobody, "no_channel", "The channel to the x402 server is in use; try again shortly.");
            }

            var ceiling = channel.Base + most;
            if (AtRisks.Check(book, channel, ceiling, options.Caps) is { } exposed)
            {
                return exposed;
            }

            var voucher = Voucher.Sign(options.HotKey, _escrow, channelId, ceiling);
            LedgerEvent[] events =
            [
                reserved,
                .. caller.Naming(appRequest, now),
                new VoucherIssued(voucher, id, channel.Index + 1, 0, now),
                new PurchaseSent(id, appRequest, channelId, channel.Index + 1, most, model, now),
            ];
            return (events, new OpenPurchase(
                id, appRequest, channel with { Ceiling = Amount.Max(channel.Ceiling, ceiling) }, voucher, most));
        });
    }

    /// <summary>What an answer cost, and what of it the app is billed.</summary>
    public async Task<Amount> ChargedAsync(OpenPurchase purchase, Amount charge, Usage? usage)
    {
        var bill = Amount.Zero;
        await journal.RecordAsync(book =>
        {
            var now = Now();
            List<LedgerEvent> events =
            [
                new PurchaseCharged(
                    purchase.Id, purchase.Channel.Id, charge, purchase.Channel.Base + charge, "response",
                    (ulong)(usage?.PromptTokens ?? 0), (ulong)(usage?.CompletionTokens ?? 0), now),
            ];
            if (book.Reservations.TryGetValue(purchase.AppRequest, out var reservation))
            {
                bill = ApiKeyRules.Bill(charge, reservation.Amount);
                events.Add(bill.IsZero
                    ? new BudgetReleased(purchase.AppRequest, reservation.KeyHash, now)
                    : new BudgetCharged(purchase.AppRequest, reservation.KeyHash, bill, now));
            }

            return events.ToArray();
        });
        return bill;
    }

    /// <summary>The server refused it, or has seen nothing: it cost nothing.</summary>
    public Task RefusedAsync(OpenPurchase purchase, string code) => EndAsync(
        purchase, now => [new RequestRefused(purchase.Id, purchase.Channel.Id, code, now)]);

    /// <summary>No usable reply came. Whether it cost anything shows later; the app pays nothing.</summary>
    public Task LostAsync(OpenPurchase purchase, string code) => EndAsync(
        purchase, now => [new PurchaseLost(purchase.Id, purchase.Channel.Id, code, now)]);

    /// <summary>The server refused the voucher, and proved what an earlier purchase has cost.</summary>
    public Task CorrectedAsync(OpenPurchase purchase, Purchase? lost, Amount charged) => EndAsync(
        purchase,
        now =>
        {
            var refused = new RequestRefused(purchase.Id, purchase.Channel.Id, X402Errors.CumulativeMismatch, now);
            return lost is null || charged == purchase.Channel.Base
                ? [refused]
                : [refused, Told(lost, purchase.Channel, charged, now)];
        },
        () =>
        {
            if (charged != purchase.Channel.Base)
            {
                LogCorrected(purchase.Channel.Id, charged);
            }
        });

    /// <summary>The same, told when nothing was bought.</summary>
    public Task CorrectedAsync(CustomerChannel channel, Purchase lost, Amount charged) => journal.RecordAsync(book =>
        book.Channels[channel.Id].Base == channel.Base && book.Purchases.GetValueOrDefault(channel.Id) == lost
            ? new LedgerEvent[] { Told(lost, channel, charged, Now()) }
            : Array.Empty<LedgerEvent>());

    /// <summary>The server broke the rules: no more vouchers on this channel, and its money comes back as far as the
    /// chain lets it.</summary>
    public Task DisputeAsync(OpenPurchase purchase, Refusal why) => EndAsync(
        purchase,
        now => [new ChannelFrozen(purchase.Channel.Id, why.Code, why.Message, null, now)],
        () => LogDispute(purchase.Channel.Id, why.Code, why.Message));

    /// <summary>What ran when the gateway stopped is lost like a reply that never came.</summary>
    public static Task RecoverAsync(Journal<CustomerBook> journal, ulong nowMs) => journal.RecordAsync(book =>
    {
        List<LedgerEvent> events = [];
        foreach (var (channelId, purchase) in book.Purchases)
        {
            if (book.Channels[channelId].Request == purchase.Sent.Request)
            {
                events.Add(new PurchaseLost(purchase.Sent.Request, channelId, "restarted", nowMs));
                if (book.Reservations.TryGetValue(purchase.Sent.AppRequest, out var reservation))
                {
                    events.Add(new BudgetReleased(purchase.Sent.AppRequest, reservation.KeyHash, nowMs));
                }
            }
        }

        return events.ToArray();
    });

    private async Task EndAsync(OpenPurchase purchase, Func<ulong, LedgerEvent[]> ended, Action? recorded = null)
    {
        await journal.RecordAsync(book =>
        {
            var now = Now();
            return book.Reservations.TryGetValue(purchase.AppRequest, out var reservation)
                ? [.. ended(now), new BudgetReleased(purchase.AppRequest, reservation.KeyHash, now)]
                : ended(now);
        });
        recorded?.Invoke();
    }

    private static PurchaseCharged Told(Purchase lost, CustomerChannel channel, Amount charged, ulong now) => new(
        lost.Sent.Request, channel.Id, charged - channel.Base, charged, "corrective", 0, 0, now);

    private ulong Now() => (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();

    [LoggerMessage(Level = LogLevel.Error, Message = "Channel {Channel} is frozen ({Code}): {Reason}")]
    private partial void LogDispute(Bytes32 channel, string code, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message =
        "The x402 server of channel {Channel} proved that it has charged {Charged} in all; a lost reply explains it")]
    private partial void LogCorrected(Bytes32 channel, Amount charged);
}
