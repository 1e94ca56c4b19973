using System.Globalization;
using Souk.Protocol;
using Souk.Simulation.World;
using Souk.Testbed.Market;

namespace Souk.Simulation.Audit;

/// <summary>What has to add up once nothing goes wrong any more and everything has settled.</summary>
internal sealed class FinalAudit(Script script, MarketHarness market, Auditor auditor)
{
    // What a claim's gas is worth: below it claiming a channel costs more than it brings.
    private const ulong GasOfAClaim = 300_000;
    private const ulong UsualFee = 1_000_000_000;
    private static readonly UInt128 OneGasMoney = 1_000_000_000_000_000_000;

    public void Check(IReadOnlyList<Seen> seen)
    {
        foreach (var (config, state) in market.Chain.Channels)
        {
            CheckChannel(state);
        }

        foreach (var (id, request) in auditor.Provider.Requests)
        {
            CheckRequest(id, request);
        }

        foreach (var one in seen)
        {
            CheckApp(one);
        }

        foreach (var (hash, key) in auditor.Customer.Keys)
        {
            auditor.Require(key.Reserved == 0, "a reservation was never ended");
            auditor.Require(
                market.Gateway.Book.ApiKeys[hash].Spent.Units == key.Spent, "the gateway's book differs from its rows");
        }

        var claimed = market.Chain.Channels.Aggregate(Amount.Zero, (sum, channel) => sum + channel.State.Claimed);
        auditor.Require(
            market.Chain.BalanceOf(market.Keys.Payout.Address) == claimed, "what was claimed was not all paid out");
    }

    private void CheckChannel(Chain.ChannelState state)
    {
        var earned = auditor.Provider.Channels.GetValueOrDefault(state.Id);
        var owed = (earned?.Base ?? 0) - state.Claimed.Units;
        if (earned is not null)
        {
            var isLeft = state.Balance.Units >= earned.Base;
            var gas = (UInt128)GasOfAClaim * UsualFee * script.GasMoneyPrice.Units / OneGasMoney;
            auditor.Require(!isLeft || owed == 0, "earned money is in the channel and was not claimed");
            auditor.Require(
                owed <= gas + (script.Has(FaultKind.Reorganisation) ? earned.GreatestSlice : 0),
                $"the provider lost {owed} on one channel");
        }

        var paid = auditor.Customer.Channels.GetValueOrDefault(state.Id);
        var unexplained = state.Claimed.Units > (paid?.Base ?? 0) ? state.Claimed.Units - (paid?.Base ?? 0) : 0;
        // What was delivered was worth its price, receipt or not; beyond that one slice may be lost.
        var delivered = auditor.Customer.Requests
            .Where(request => request.Value.Sent.ChannelId == state.Id && request.Value.Receipt is null)
            .Aggregate(UInt128.Zero, (sum, request) => sum + Reckoning.Cost(
                request.Value.Offer, 0, 0, auditor.Wire.IdsSent(request.Key)));
        auditor.Require(
            unexplained <= (paid?.GreatestSlice ?? 0) + delivered, $"the gateway lost {unexplained} on one channel");
        auditor.Require(
            unexplained == 0 || paid!.IsFrozen, "more was claimed than the receipts held, and nobody noticed");
    }

    private void CheckRequest(RequestId id, ProviderAudit.Request request)
    {
        auditor.Require(request.Receipt is not null, "a request never got its receipt");
        var bought = auditor.Customer.Requests.GetValueOrDefault(id);
        auditor.Require(
            bought?.Receipt?.Signature == request.Receipt || request.Charge == 0
            || auditor.Customer.Of(request.Admitted.ChannelId).IsFrozen,
            "the gateway lacks the receipt of a charge");
    }

    private void CheckApp(Seen seen)
    {
        if (seen.Request is not { } id)
        {
            return;
        }

        var charged = auditor.Customer.Apps.GetValueOrDefault(id)?.Charged ?? 0;
        var receipts = auditor.Customer.Requests.Values.Where(request => request.Sent.AppRequest == id)
            .Aggregate(UInt128.Zero, (sum, request) => sum + (request.Receipt?.Message.Charge.Units ?? 0));
        auditor.Require(charged <= receipts, "an app was charged for what no receipt charges");
        auditor.Require(
            !Apps.IsRetried(seen.Reply.Status) || charged == 0,
            $"an app that was told to try again ({seen.Reply.Status}) was charged {charged}");
        if (seen.Reply is { Status: 200, IsBroken: false } && Cost(seen.Reply) is { } told)
        {
            auditor.Require(told == charged, $"an app was told a cost of {told} and charged {charged}");
        }
    }

    private UInt128? Cost(AppReply reply)
    {
        var isStream = reply.Headers["content-type"]!.StartsWith("text/event-stream", StringComparison.Ordinal);
        var usage = isStream
            ? reply.Chunks.Select(chunk => chunk["usage"]).LastOrDefault(found => found is not null)
            : reply.Json["usage"];
        return usage?["cost"] is not { } cost ? null
            : (UInt128)(decimal.Parse(cost.ToString(), CultureInfo.InvariantCulture)
                * (decimal)Math.Pow(10, market.Chain.Network.CurrencyDecimals));
    }
}
