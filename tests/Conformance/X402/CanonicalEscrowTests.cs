using Souk.Conformance.Composition;
using Souk.Conformance.Sdk;

namespace Souk.Conformance.X402;

/// <summary>The whole market on a chain that has x402's own escrow: the network file names it, and nothing else
/// changes.</summary>
public sealed class CanonicalEscrowTests
{
    [Fact]
    public async Task An_answer_is_paid_claimed_and_settled_through_the_canonical_escrow()
    {
        await using var network = await MarketNetwork.StartAsync(new NetworkPlan { IsCanonical = true });
        var file = network.Basics.Network;
        Assert.Equal(CanonicalContracts.Escrow, file.Escrow);
        Assert.Equal(CanonicalContracts.Erc3009Collector, file.Erc3009Collector);

        var key = await network.KeyAsync("app");
        var outcome = Assert.Single(await DotNetSdk.RunAsync(
            network.BaseUrl, key, [SdkJob.Ask("one", "What is 12 plus 30?", false)]));
        Assert.Null(outcome.Error);
        Assert.True(outcome.Cost > 0);
        var claimed = await network.Providers[0].Node.ClaimNowAsync(default);
        Assert.True(claimed.IsOk, claimed.Refusal?.Message);

        using var chain = new ChainReader(network.Basics.Node.Url);
        var (escrow, currency) = (CanonicalContracts.Escrow.ToString(), file.Currency.ToString());
        var payout = network.Providers[0].Keys.Payout.Address.ToString();
        Assert.Equal((outcome.Cost, outcome.Cost), await chain.ReceiverAsync(escrow, payout, currency));
        Assert.Equal(outcome.Cost, await chain.CurrencyAsync(currency, payout));
        Assert.True(await chain.CurrencyAsync(currency, escrow) > 0);
    }
}
