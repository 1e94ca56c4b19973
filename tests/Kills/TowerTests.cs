using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Numerics;
using Souk.Chain;
using Souk.Protocol;

namespace Souk.Kills;

/// <summary>
/// A provider that is killed while a customer owes it, and a customer that withdraws: the watchtower, itself killed and
/// started again in between, claims before the deadline, and once more after a reorganisation. Real chain, real
/// processes, the program's own commands.
/// </summary>
public sealed class TowerTests : IAsyncLifetime
{
    private const int Day = 86_400;
    private readonly string _folder = Directory.CreateTempSubdirectory("souk-tower-").FullName;
    private readonly List<RoleProcess> _running = [];
    private readonly int _towerAdmin = Places.OnePort();
    private readonly int _gatewayAdmin = Places.OnePort();
    private readonly int _gatewayPort = Places.OnePort();
    private readonly int _providerAdmin = Places.OnePort();
    private readonly int _providerPort = Places.OnePort();
    private readonly int _towerPort = Places.OnePort();
    private MarketBasics _basics = null!;
    private ProviderKeyring _keys = null!;

    public async ValueTask InitializeAsync()
    {
        var indexerPort = Places.OnePort();
        _basics = await MarketBasics.StartAsync($"http://127.0.0.1:{Text(indexerPort)}");
        _keys = ProviderKeyring.Create(_basics.Randomness);
        await _basics.RegisterAsync(_keys, $"https://127.0.0.1:{Text(_providerPort)}");
        await _basics.Node.KeepTimeAsync();
        await File.WriteAllTextAsync(Path.Combine(_folder, "network.json"), _basics.Network.ToJson());
        RoleFolder.Make(
            Path.Combine(_folder, "provider"), ("provider", _keys.Owner), ("payout", _keys.Payout),
            ("node", _keys.Node), ("authorizer", _keys.Authorizer), ("gas", _keys.Gas));
        RoleFolder.Make(Path.Combine(_folder, "gateway"), ("gateway", _basics.HotKey));
        var gas = PrivateKey.Create(_basics.Randomness);
        RoleFolder.Make(Path.Combine(_folder, "watch"), ("watch", gas));
        await GiveGasAsync(gas.Address, "0x3635c9adc5dea00000");
        await StartAsync("indexer", "--port", Text(indexerPort));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _running)
        {
            await process.DisposeAsync();
        }

        await _basics.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_killed_provider_loses_nothing_to_a_customer_who_withdraws()
    {
        var tower = await StartTowerAsync();
        var provider = await StartProviderAsync(tower.Told("--watchtower of the provider"));
        var gateway = await StartAsync(
            "gateway", "--port", Text(_gatewayPort), "--admin-port", Text(_gatewayAdmin), "--vault",
            _basics.Vault.ToString(), "--channel-deposit", "20");
        await BuyAsync($"{_keys.Owner.Address}/{provider.Told("model digest")}");
        var (channel, config, earned) = Earned();
        Assert.True(earned > 100_000, $"earned {earned}");
        await UntilAsync(async () => (await TowerAsync()) is { Protected: var held, Unprotected: "0" } && held != "0",
            "the watchtower holds what was earned");

        // Everything dies, the watchtower as well; meanwhile the customer begins to withdraw.
        await provider.KillAsync();
        await gateway.KillAsync();
        await tower.KillAsync();
        var hot = _basics.Chain.Account(_basics.HotKey);
        var state = MarketBasics.Must(await _basics.Chain.ChannelsAsync([channel], ReadPoint.Newest, default)).Value[0];
        MarketBasics.Must(await hot.SubmitAsync(
            new VaultInitiateWithdraw(_basics.Vault, config, state.Available), default));
        await TravelAsync((Day / 4) + 60);
        await _basics.Node.CallAsync("anvil_mine", "0x10");
        using var reader = new ChainReader(_basics.Node.Url);
        Assert.Equal(BigInteger.Zero, (await ClaimedAsync(reader, channel)));

        await StartTowerAsync();
        await UntilAsync(async () => await ClaimedAsync(reader, channel) == earned, "the watchtower claims");

        // A reorganisation takes the claim out of the chain again, after the watchtower has seen it there.
        await UntilAsync(async () => await TowerClaimedAsync() != "0", "the watchtower knows that it claimed");
        await _basics.Node.CallAsync("anvil_reorg", 4, Array.Empty<object>());
        Assert.Equal(BigInteger.Zero, await ClaimedAsync(reader, channel));
        await UntilAsync(async () => await ClaimedAsync(reader, channel) == earned, "the watchtower claims again");

        // The customer gets the rest, and no more.
        await TravelAsync(Day);
        MarketBasics.Must(await hot.SubmitAsync(new VaultFinalizeWithdraw(_basics.Vault, config), default));
        var left = await reader.ChannelAsync(_basics.Network.Escrow.ToString(), channel.ToString());
        Assert.Equal((earned, earned), (left.Balance, left.Claimed));

        // Back under another payout: before it changes, the old one is paid what was claimed for it.
        await GiveGasAsync(_keys.Gas.Address, "0x3635c9adc5dea00000");
        File.Delete(Path.Combine(_folder, "provider", "keys", "payout.json"));
        RoleFolder.Make(Path.Combine(_folder, "provider"), ("payout", PrivateKey.Create(_basics.Randomness)));
        await using (await RoleProcess.StartAsync(
            Places.Program,
            ["provider", "register", "--data", Path.Combine(_folder, "provider"), "--network",
                Path.Combine(_folder, "network.json"), "--endpoint", $"https://127.0.0.1:{Text(_providerPort)}"],
            "payout"))
        {
            Assert.Equal(earned, await reader.CurrencyAsync(
                _basics.Network.Currency.ToString(), _keys.Payout.Address.ToString()));
        }

        await StartProviderAsync($"http://127.0.0.1:{Text(_towerPort)}");
        await ClaimAsync();
    }

    private async Task<RoleProcess> StartAsync(string role, params string[] options)
    {
        var process = await RoleProcess.SoukAsync(
            [role, "--data", Path.Combine(_folder, role), "--network", Path.Combine(_folder, "network.json"),
                .. options]);
        _running.Add(process);
        return process;
    }

    private Task<RoleProcess> StartTowerAsync() => StartAsync(
        "watch", "--tls", "--provider", _keys.Owner.Address.ToString(), "--port", Text(_towerPort), "--admin-port",
        Text(_towerAdmin));

    private Task<RoleProcess> StartProviderAsync(string tower) => StartAsync(
        "provider", "--port", Text(_providerPort), "--admin-port", Text(_providerAdmin), "--model", Places.Model,
        "--price-in", "10000", "--price-out", "40000", "--watchtower", tower);

    // One paid answer. The provider's gas is taken away first, so that it cannot claim before it is killed.
    private async Task BuyAsync(string model)
    {
        using var admin = new AdminReader(new Uri($"http://127.0.0.1:{Text(_gatewayAdmin)}"), Token("gateway"));
        var key = await admin.CreateKeyAsync("tower", "900");
        await UntilAsync(
            async () => (await admin.GetAsync("/admin/v1/channels")).GetRawText().Contains(
                "\"idle\"", StringComparison.Ordinal),
            "the gateway has a channel");
        await GiveGasAsync(_keys.Gas.Address, "0x0");
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{Text(_gatewayPort)}") };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var reply = await http.PostAsJsonAsync("/v1/chat/completions", new
        {
            model, max_tokens = 64, messages = new[] { new { role = "user", content = "What is 5 plus 6?" } },
        });
        Assert.True(reply.IsSuccessStatusCode, await reply.Content.ReadAsStringAsync());
    }

    // By the provider's ledger: the channel that earned, and how much.
    private (Bytes32 Channel, ChannelConfig Config, BigInteger Earned) Earned()
    {
        var rows = LedgerReader.Read(Path.Combine(_folder, "provider", "provider.ledger"));
        var receipt = rows.Last(row => row.Kind == "receipt_signed").Body.GetProperty("receipt").GetProperty("message");
        var channel = receipt.GetProperty("channel_id").GetString()!;
        var config = rows.First(row => row.Kind == "channel_seen" && row.Key == channel).Body.GetProperty("config");
        return (Bytes32.Parse(channel), new ChannelConfig(
            At("payer"), At("payer_authorizer"), At("receiver"), At("receiver_authorizer"), At("token"),
            config.GetProperty("withdraw_delay").GetUInt32(), Bytes32.Parse(config.GetProperty("salt").GetString()!)),
            BigInteger.Parse(receipt.GetProperty("cumulative").GetString()!, CultureInfo.InvariantCulture));

        Address At(string name) => Address.Parse(config.GetProperty(name).GetString()!);
    }

    private async Task<(string Protected, string? Unprotected)> TowerAsync()
    {
        using var admin = new AdminReader(new Uri($"http://127.0.0.1:{Text(_towerAdmin)}"), Token("watch"));
        var seen = (await admin.GetAsync("/watch/v1/status")).GetProperty("providers")[0];
        return (seen.GetProperty("protected").GetString()!, seen.GetProperty("unprotected").GetString());
    }

    private async Task<string> TowerClaimedAsync()
    {
        using var admin = new AdminReader(new Uri($"http://127.0.0.1:{Text(_towerAdmin)}"), Token("watch"));
        return (await admin.GetAsync("/watch/v1/status")).GetProperty("claimed").GetString()!;
    }

    private async Task ClaimAsync()
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(60) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token("provider"));
        using var reply = await http.PostAsync(
            $"http://127.0.0.1:{Text(_providerAdmin)}/provider/v1/claim", null);
        Assert.True(reply.IsSuccessStatusCode, await reply.Content.ReadAsStringAsync());
    }

    private async Task<BigInteger> ClaimedAsync(ChainReader reader, Bytes32 channel) =>
        (await reader.ChannelAsync(_basics.Network.Escrow.ToString(), channel.ToString())).Claimed;

    private async Task TravelAsync(int seconds)
    {
        await _basics.Node.CallAsync("evm_increaseTime", seconds);
        await _basics.Node.CallAsync("evm_mine");
    }

    private Task GiveGasAsync(Address to, string wei) =>
        _basics.Node.CallAsync("anvil_setBalance", to.ToString(), wei);

    private async Task UntilAsync(Func<Task<bool>> holds, string what)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        while (!await holds())
        {
            if (patience.IsCancellationRequested)
            {
                var logs = Directory.GetFiles(_folder, "*.log", SearchOption.AllDirectories)
                    .Select(path => $"{path}:\n{string.Join('\n', File.ReadLines(path).TakeLast(20))}");
                Assert.Fail($"It did not come to this: {what}.\n{string.Join('\n', logs)}");
            }

            await Task.Delay(200);
        }
    }

    private string Token(string role) => File.ReadAllText(Path.Combine(_folder, role, "admin.token")).Trim();

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
