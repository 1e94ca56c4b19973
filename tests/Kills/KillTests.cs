using System.Diagnostics;
using System.Globalization;
using System.Numerics;

namespace Souk.Kills;

/// <summary>
/// Roles killed at random moments under load, each in its own process. Afterwards nothing that was promised is lost,
/// nothing is paid twice, and neither side has lost more than a slice on any channel. <c>SOUK_KILLS</c> sets how many,
/// <c>SOUK_SEED</c> the seed, <c>SOUK_RESULTS</c> a file that a line of JSON is added to.
/// </summary>
public sealed class KillTests
{
    private const int Few = 6;
    private const int KillsARound = 6;
    private const int AppsAtOnce = 4;

    [Fact]
    public async Task Killed_at_random_moments_under_load_no_side_loses_more_than_a_slice()
    {
        var kills = Campaign.Number("SOUK_KILLS") ?? Few;
        var seed = Campaign.Number("SOUK_SEED") ?? Random.Shared.Next();
        await using var network = await KilledNetwork.StartAsync();
        using var admin = network.Admin();
        var key = await admin.CreateKeyAsync("kills", "900");
        var random = new Random(seed);
        List<Told> heard = [];
        var (asked, guarded) = (0, BigInteger.Zero);
        for (var done = 0; done < kills;)
        {
            var watch = Stopwatch.StartNew();
            var round = Math.Min(KillsARound, kills - done);
            await using (var apps = new Apps(network, key, AppsAtOnce, asked))
            {
                for (var i = 0; i < round; i++)
                {
                    await KillAsync(network, random, apps);
                }

                await Task.Delay(500);
                await apps.StopAsync();
                asked = apps.Asked;
                heard.AddRange(apps.Heard);
            }

            await SettleDownAsync(network, admin);
            var accounts = new Accounts(network);
            accounts.Check(heard);
            Assert.Equal(accounts.Billed, await SpentAsync(admin));
            guarded = BigInteger.Max(guarded, await CheckTowerAsync(network, accounts));
            await network.ClaimAsync();
            await CheckChainAsync(network, accounts);
            done += round;
            Assert.True(accounts.Charged > done, $"only {accounts.Charged} requests were charged");
            // A line a round, so that a run which is ended early has said what it saw.
            Campaign.Report(new
            {
                test = "kills", commit = Campaign.Commit, seed, round, done, asked, charged = accounts.Charged,
                channels = accounts.Channels.Count, guarded = Text(guarded), slice = Text(accounts.Slice),
                largest_customer_loss = Text(accounts.CustomerLoss),
                largest_provider_loss = Text(accounts.ProviderLoss), seconds = (int)watch.Elapsed.TotalSeconds,
            });
        }

        Assert.True(guarded > 0, "the watchtower held nothing");
    }

    private static string Text(BigInteger amount) => amount.ToString(CultureInfo.InvariantCulture);

    private static async Task KillAsync(KilledNetwork network, Random random, Apps apps)
    {
        var before = apps.Answered;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (apps.Answered < before + AppsAtOnce)
        {
            Assert.False(patience.IsCancellationRequested, $"No answers come.\n{network.Log("gateway")}");
            await Task.Delay(20);
        }

        await Task.Delay(random.Next(1_500));
        // Now and then both sides at once.
        var victims = random.Next(8) == 0
            ? KilledNetwork.Victims
            : [KilledNetwork.Victims[random.Next(KilledNetwork.Victims.Count)]];
        await Task.WhenAll(victims.Select(network.KillAsync));
        await Task.Delay(random.Next(300));
        foreach (var victim in victims)
        {
            await network.StartAsync(victim);
        }
    }

    private static async Task SettleDownAsync(KilledNetwork network, AdminReader admin)
    {
        try
        {
            await admin.SettleDownAsync();
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"Requests stay unexplained.\n{network.Log("gateway")}\n{network.Log("provider")}");
        }
    }

    private static async Task<BigInteger> SpentAsync(AdminReader admin)
    {
        var keys = (await admin.GetAsync("/admin/v1/keys")).GetProperty("keys").EnumerateArray().ToList();
        Assert.All(keys, key => Assert.Equal(0, AdminReader.Units(key.GetProperty("reserved").GetString()!)));
        return keys.Aggregate(BigInteger.Zero, (sum, key) =>
            sum + AdminReader.Units(key.GetProperty("spent").GetString()!));
    }

    // What a watchtower has acknowledged stays, and is never more than was earned. What a provider tells its owner to
    // be protected is there.
    private static async Task<BigInteger> CheckTowerAsync(KilledNetwork network, Accounts accounts)
    {
        var status = await network.StatusAsync();
        var said = Units(status, "unclaimed") - Units(status, "unprotected");
        Dictionary<string, BigInteger> held = new(StringComparer.Ordinal);
        foreach (var row in LedgerReader.Read(network.WatchLedger).Where(row => row.Kind == "claim_guarded"))
        {
            var total = BigInteger.Parse(row.Body.GetProperty("total").GetString()!, CultureInfo.InvariantCulture);
            Assert.True(total > held.GetValueOrDefault(row.Key), $"the watchtower took less of {row.Key} than it held");
            Assert.True(total <= accounts.Earned[row.Key]);
            held[row.Key] = total;
        }

        using var chain = new ChainReader(network.Basics.Node.Url);
        await chain.FixAsync();
        var escrow = network.Basics.Network.Escrow.ToString();
        var guarded = BigInteger.Zero;
        foreach (var (channel, total) in held)
        {
            guarded += BigInteger.Max(0, total - (await chain.ChannelAsync(escrow, channel)).Claimed);
        }

        Assert.True(guarded >= said, $"the provider says that {said} is protected; the watchtower holds {guarded}");
        // Some of it has been claimed since, as it should be.
        return held.Values.Aggregate(BigInteger.Zero, static (sum, total) => sum + total);
    }

    private static BigInteger Units(System.Text.Json.JsonElement from, string name) =>
        AdminReader.Units(from.GetProperty(name).GetString()!);

    // Everything that the provider's receipts say, and nothing else, was claimed and paid out, once.
    private static async Task CheckChainAsync(KilledNetwork network, Accounts accounts)
    {
        using var chain = new ChainReader(network.Basics.Node.Url);
        await chain.FixAsync();
        var (escrow, currency) = (network.Basics.Network.Escrow.ToString(), network.Basics.Network.Currency.ToString());
        var held = BigInteger.Zero;
        // A channel may have been opened since the books were read; its draw is written down before it is sent.
        foreach (var channel in new Accounts(network).Channels)
        {
            var state = await chain.ChannelAsync(escrow, channel);
            Assert.Equal(accounts.Earned.GetValueOrDefault(channel), state.Claimed);
            held += state.Balance;
        }

        var earned = accounts.Earned.Values.Aggregate(BigInteger.Zero, static (sum, charge) => sum + charge);
        Assert.Equal((earned, earned), await chain.ReceiverAsync(escrow, network.Payout, currency));
        Assert.Equal(earned, await chain.CurrencyAsync(currency, network.Payout));
        Assert.Equal(held - earned, await chain.CurrencyAsync(currency, escrow));
        Assert.Equal(
            MarketBasics.VaultUnits - held, await chain.CurrencyAsync(currency, network.Basics.Vault.ToString()));
    }
}
