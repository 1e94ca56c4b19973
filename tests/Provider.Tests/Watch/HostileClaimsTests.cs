using System.Text;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Provider.Tests.Watch;

/// <summary>What strangers, and providers that are not honest, can do to a watchtower: nothing that costs it
/// much.</summary>
public sealed class HostileClaimsTests
{
    [Fact]
    public void Claims_that_nobody_authorised_are_refused_and_leave_nothing() => Run(async (market, tower) =>
    {
        var (buyer, keys) = (new Buyer(market), market.Keys);
        var channel = buyer.NewChannel();
        var good = Claim(market, channel.Config, 100, keys.Authorizer);

        Assert.Equal("authorisation_invalid", await CodeAsync(market, tower, Claim(
            market, channel.Config, 100, keys.Stranger)));
        Assert.Equal("authorisation_invalid", await CodeAsync(market, tower, good with { Total = new(99) }));
        var foreign = channel.Config with { ReceiverAuthorizer = keys.Stranger.Address };
        Assert.Equal("authorizer_unknown", await CodeAsync(market, tower, Claim(
            market, foreign, 100, keys.Stranger)));
        var other = channel.Config with { Token = keys.Stranger.Address };
        Assert.Equal("wrong_currency", await CodeAsync(market, tower, Claim(market, other, 100, keys.Authorizer)));
        Assert.Equal("claim_malformed", await CodeAsync(market, tower, good with { Total = new(101) }));
        Assert.Equal("claim_malformed", await CodeAsync(market, tower, good with { Total = Amount.Zero }));
        Assert.Equal("claim_malformed", await CodeAsync(market, tower, good with
        {
            Config = channel.Config with { Salt = Bytes32.Zero },
        }));
        Assert.Equal("voucher_signer_mismatch", await CodeAsync(market, tower, good with
        {
            Voucher = Voucher.Sign(
                keys.Stranger, market.Chain.Network.EscrowDomain, channel.Id, new(100)),
        }));
        Assert.Equal((0, 0L), (tower.Node.Status.Channels, tower.Rows));

        Assert.Null(await CodeAsync(market, tower, good));
        Assert.Equal(1, tower.Node.Status.Channels);
    });

    [Fact]
    public void A_claim_sent_again_or_lower_is_not_written_again() => Run(async (market, tower) =>
    {
        var channel = new Buyer(market).NewChannel();
        var high = Claim(market, channel.Config, 100, market.Keys.Authorizer);
        Assert.Null(await CodeAsync(market, tower, high));
        var rows = tower.Rows;
        for (var i = 0; i < 50; i++)
        {
            Assert.Null(await CodeAsync(market, tower, high));
        }

        var lower = Claim(market, channel.Config, 99, market.Keys.Authorizer);
        var reply = await new Buyer(market).Client.GuardAsync(
            tower.Target, new GuardRequest(Amount.Zero, [lower]), CancellationToken.None);
        Assert.Equal(new HeldClaim(channel.Id, new(100)), Assert.Single(reply.Value.Held));
        Assert.Equal(rows, tower.Rows);
    });

    [Fact]
    public void Channels_beyond_the_bound_are_not_held_and_the_provider_is_told_so() => Run(async (market, tower) =>
    {
        var (buyer, keys) = (new Buyer(market), market.Keys);
        List<GuardedClaim> claims = [.. Enumerable.Range(0, 5).Select(_ =>
            Claim(market, buyer.NewChannel().Config, 100, keys.Authorizer))];
        await tower.CrashAsync();
        await tower.StartAsync(mostChannels: 3);

        var reply = await buyer.Client.GuardAsync(
            tower.Target, new GuardRequest(Amount.Zero, claims), CancellationToken.None);

        Assert.Equal(3, reply.Value.Held.Count);
        Assert.Equal(3, tower.Node.Status.Channels);
        // A held one may still rise.
        var risen = Claim(market, claims[0].Config, 200, keys.Authorizer);
        Assert.Null(await CodeAsync(market, tower, risen));
    });

    [Fact]
    public void What_one_provider_writes_in_a_minute_is_bounded() => Run(async (market, tower) =>
    {
        await tower.CrashAsync();
        await tower.StartAsync(claimsPerMinute: 20);
        var buyer = new Buyer(market);
        string? code = null;
        for (var sent = 0; code is null && sent < 100; sent++)
        {
            code = await CodeAsync(market, tower, Claim(
                market, buyer.NewChannel().Config, 100, market.Keys.Authorizer));
        }

        Assert.Equal("too_many_claims", code);
        Assert.InRange(tower.Rows, 20L, 25L);
        await market.WaitAsync(60);
        Assert.Null(await CodeAsync(market, tower, Claim(
            market, buyer.NewChannel().Config, 100, market.Keys.Authorizer)));
    });

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"unclaimed\":\"1\"}")]
    [InlineData("{\"unclaimed\":\"-1\",\"claims\":[]}")]
    [InlineData("{\"unclaimed\":\"1\",\"claims\":[{\"channel\":\"a;b\"}]}")]
    public void Bodies_that_are_none_are_refused(string body) => Run(async (market, tower) =>
    {
        var client = market.Network.ClientFor("stranger");
        await using var reply = await client.SendAsync(
            tower.Target, WireRequest.Json("PUT", NodePaths.Claims, Encoding.UTF8.GetBytes(body)),
            CancellationToken.None);
        Assert.Equal(400, reply.Status);
    });

    [Fact]
    public void What_a_provider_says_of_itself_cannot_overflow_a_sum() => Run(async (market, tower) =>
    {
        var channel = new Buyer(market).NewChannel();
        var claim = Claim(market, channel.Config, UInt128.MaxValue, market.Keys.Authorizer);
        var reply = await new Buyer(market).Client.GuardAsync(
            tower.Target, new GuardRequest(Amount.MaxValue, [claim]), CancellationToken.None);
        Assert.True(reply.IsOk);
        await market.WaitAsync(30);
        var seen = Assert.Single(tower.Node.Status.Providers);
        Assert.Equal(Amount.Zero, seen.Protected);
        Assert.True(seen.Unprotected > Amount.Zero);
    });

    private static GuardedClaim Claim(
        MarketHarness market, ChannelConfig config, UInt128 total, PrivateKey authorizer)
    {
        var domain = market.Chain.Network.EscrowDomain;
        var id = config.Id(domain);
        return new GuardedClaim(
            config, Voucher.Sign(market.Keys.Hot, domain, id, new(total)), new(total),
            ClaimBatch.Sign(authorizer, domain, [new ClaimEntry(id, new(total), new(total))]));
    }

    private static async Task<string?> CodeAsync(MarketHarness market, TowerHarness tower, GuardedClaim claim) =>
        (await new Buyer(market).Client.GuardAsync(
            tower.Target, new GuardRequest(Amount.Zero, [claim]), CancellationToken.None)).Refusal?.Code;

    private static void Run(Func<MarketHarness, TowerHarness, Task> scenario) =>
        MarketHarness.Run(new MarketOptions { WarmChannels = 0 }, async market =>
        {
            await using var tower = new TowerHarness(market);
            await tower.StartAsync();
            await scenario(market, tower);
        });
}
