using Microsoft.Extensions.Logging;
using Souk.Chain;
using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Ledger.Selling;
using Souk.Market.Claims;
using Souk.Protocol;

namespace Souk.Provider.Claims;

/// <summary>What was paid out: the last transaction that did, and how much in all.</summary>
internal sealed record Payment(Bytes32? Transaction, Amount Amount);

/// <summary>
/// Pays what was claimed out to its receivers: the payout, and every former one that channels still name. Who claimed
/// it, this provider or a watchtower, makes no difference.
/// </summary>
internal sealed partial class Settler(
    ProviderOptions options, IMarketChain chain, Journal<ProviderBook> journal, ClaimRules rules, TimeProvider time,
    ILogger<Settler> log)
{
    /// <summary>Pays out what is due; everything when forced.</summary>
    public async Task<Result<Payment>> SettleAsync(bool isForced, CancellationToken cancellation)
    {
        var payment = new Payment(null, Amount.Zero);
        var receivers = journal.Durable.Channels.Values.Select(channel => channel.Config.Receiver)
            .Append(options.Payout).Distinct().Order().ToList();
        foreach (var receiver in receivers)
        {
            var read = await chain.ReceiverAsync(receiver, ReadPoint.Newest, cancellation);
            if (!read.TryGet(out var state, out var refusal))
            {
                return refusal;
            }

            var owed = state.Value.Claimed - state.Value.Settled;
            if (owed.IsZero)
            {
                continue;
            }

            if (!(await ReasonAsync(receiver, owed, isForced, cancellation)).TryGet(out var reason, out refusal))
            {
                return refusal;
            }

            if (reason.Length > 0)
            {
                if (!(await PayAsync(receiver, owed, reason, cancellation)).TryGet(out var transaction, out refusal))
                {
                    return refusal;
                }

                payment = new Payment(transaction, payment.Amount + owed);
            }
        }

        return payment;
    }

    private async Task<Result<string>> ReasonAsync(
        Address receiver, Amount owed, bool isForced, CancellationToken cancellation)
    {
        if (isForced)
        {
            return "asked";
        }

        var quote = await chain.Account(options.GasKey).QuoteAsync(new Settle(receiver), cancellation);
        if (!quote.TryGet(out var gas, out var refusal))
        {
            return refusal;
        }

        // Who is the payout changes nothing where the value decides already, so the registry is asked only after that.
        var cost = new GasPrice(gas.WeiPerGas, options.GasMoneyPrice).Of(gas.Gas);
        var now = (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();
        var age = !journal.Durable.OwedSinceMs.TryGetValue(receiver, out var since) ? (ulong?)null
            : now > since ? (now - since) / 1000
            : 0;
        if (SettlePlan.Decide(owed, cost, age, isRetired: false, rules) is { } due)
        {
            return due.ToString();
        }

        var entries = await chain.ProvidersAsync([options.Provider], ReadPoint.Newest, cancellation);
        if (!entries.TryGet(out var read, out refusal))
        {
            return refusal;
        }

        var isRetired = read.Value[0] is { } entry && entry.Current.Keys.Payout != receiver;
        return SettlePlan.Decide(owed, cost, age, isRetired, rules)?.ToString() ?? "";
    }

    private async Task<Result<Bytes32>> PayAsync(
        Address receiver, Amount owed, string reason, CancellationToken cancellation)
    {
        var outcome = await chain.Account(options.GasKey).SubmitAsync(new Settle(receiver), cancellation);
        if (!outcome.TryGet(out var mined, out var refusal))
        {
            return refusal;
        }

        await journal.RecordAsync(new Settled(
            receiver, chain.Network.Currency, owed, mined.Hash, (ulong)time.GetUtcNow().ToUnixTimeMilliseconds()));
        LogSettled(owed, receiver, reason, mined.Hash);
        return mined.Hash;
    }

    [LoggerMessage(Level = LogLevel.Information,
        Message = "Settled {Amount} to {Receiver} (reason: {Reason}) in {Transaction}")]
    private partial void LogSettled(Amount amount, Address receiver, string reason, Bytes32 transaction);
}
