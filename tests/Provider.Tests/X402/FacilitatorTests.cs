using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire.X402;

namespace Souk.Provider.Tests.X402;

/// <summary>The facilitator's paths: what they do for the provider's own channels, and not for others.</summary>
public sealed class FacilitatorTests
{
    private const ulong Deposit = 20_000;
    private static readonly MarketOptions Options = new() { WarmChannels = 0, Confirmations = 1 };

    [Fact]
    public void Strangers_can_ask_the_facilitator_but_not_make_it_pay() => MarketHarness.Run(Options, async market =>
    {
        var client = new PlainClient(market);
        var charged = (await client.OpenAsync(PlainClient.Body(), Deposit)).Settled!.ChannelState!.Charged!.Value;
        var thief = new PlainClient(market, "thief");
        var sent = market.Chain.Transactions;
        var foreign = thief.Deposit(
            new(Deposit), new(100), thief.Config(config => config with { Receiver = thief.Key.Address }));

        Assert.False((bool)(await thief.FacilitateAsync("/verify", foreign)).Json["isValid"]!);
        Assert.False((bool)(await thief.FacilitateAsync("/settle", foreign)).Json["success"]!);
        Assert.Equal(X402Errors.PayloadType, (string?)(await client.FacilitateAsync(
            "/settle", client.Pay(charged + new Amount(1)))).Json["errorReason"]);
        Assert.Equal(X402Errors.ReceiverMismatch, (string?)(await client.FacilitateAsync(
            "/verify", client.Pay(charged + new Amount(1)),
            terms => terms with { PayTo = thief.Key.Address })).Json["invalidReason"]);
        Assert.Equal(400, (await thief.SendAsync("POST", "/settle", "{}"u8.ToArray(), null)).Status);
        Assert.Equal(sent, market.Chain.Transactions);
    });

    [Fact]
    public void The_facilitator_mines_deposits_and_makes_refunds_of_its_own_channels() => MarketHarness.Run(
        Options, async market =>
        {
            var client = new PlainClient(market);
            var deposit = client.Deposit(new(Deposit), new(100));
            var supported = (await client.SendAsync("GET", "/supported", [], null)).Json["kinds"]![0]!;
            Assert.Equal(("batch-settlement", "eip155:31337"),
                ((string?)supported["scheme"], (string?)supported["network"]));

            Assert.True((bool)(await client.FacilitateAsync("/verify", deposit)).Json["isValid"]!);
            var settled = (await client.FacilitateAsync("/settle", deposit)).Json;
            Assert.True((bool)settled["success"]!, settled.ToJsonString());
            Assert.Equal("20000", (string?)settled["extra"]!["channelState"]!["balance"]);
            Assert.True((bool)(await client.FacilitateAsync("/verify", client.Pay(new(100)))).Json["isValid"]!);
            Assert.Equal(X402Errors.CumulativeExceedsBalance, (string?)(await client.FacilitateAsync(
                "/verify", client.Pay(new(Deposit + 1)))).Json["invalidReason"]);
            var refunded = (await client.FacilitateAsync("/settle", client.Refund(Amount.Zero))).Json;
            Assert.Equal(("20000", "0"),
                ((string?)refunded["amount"], (string?)refunded["extra"]!["channelState"]!["balance"]));
        });
}
