using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Souk.Protocol;

namespace Souk.Kills;

/// <summary>
/// A network of which each role is the program's own command in a process of its own, on a real chain. A role can be
/// killed at any moment and started again on what it left on the disk.
/// </summary>
internal sealed class KilledNetwork : IAsyncDisposable
{
    private const string Slice = "16";
    private readonly string _folder = Directory.CreateTempSubdirectory("souk-kills-").FullName;
    private readonly Dictionary<string, string[]> _commands = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RoleProcess> _running = new(StringComparer.Ordinal);
    private readonly int _providerAdmin = Places.OnePort();
    private ProviderKeyring? _keys;
    private Uri _adminUrl = null!;

    private KilledNetwork(MarketBasics basics) => Basics = basics;

    /// <summary>Roles that are worth killing.</summary>
    public static IReadOnlyList<string> Victims { get; } = ["gateway", "provider", "watch"];

    /// <summary>Generated tokens that one promise covers: few, so that every answer is raised in its course.</summary>
    public static int SliceTokens => int.Parse(Slice, CultureInfo.InvariantCulture);

    public MarketBasics Basics { get; }

    /// <summary>Where apps ask.</summary>
    public Uri Url { get; private set; } = null!;

    /// <summary>What they ask for.</summary>
    public string Model { get; private set; } = "";

    public string Payout => _keys!.Payout.Address.ToString();

    public string GatewayLedger => Path.Combine(_folder, "gateway", "gateway.ledger");

    public string WatchLedger => Path.Combine(_folder, "watch", "watch.ledger");

    public string ProviderLedger => Path.Combine(_folder, "provider", "provider.ledger");

    public static async Task<KilledNetwork> StartAsync()
    {
        var indexerPort = Places.OnePort();
        var basics = await MarketBasics.StartAsync(
            string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{indexerPort}"));
        var network = new KilledNetwork(basics);
        try
        {
            await network.BeginAsync(indexerPort);
            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    /// <summary>The data folders of all roles.</summary>
    public string Folder => _folder;

    /// <summary>All that roles have printed before they were killed.</summary>
    public List<string> Printed { get; } = [];

    /// <summary>Everybody's private keys.</summary>
    public IReadOnlyList<PrivateKey> Secrets =>
        [_keys!.Owner, _keys.Payout, _keys.Node, _keys.Authorizer, _keys.Gas, Basics.HotKey];

    /// <summary>Ends a role with no chance to do anything.</summary>
    public async Task KillAsync(string role)
    {
        if (_running.Remove(role, out var process))
        {
            Printed.Add(process.Output);
            await process.DisposeAsync();
        }
    }

    /// <summary>Starts a role on what is on the disk, and waits until it serves.</summary>
    public async Task StartAsync(string role) => _running.Add(role, await RoleProcess.SoukAsync(_commands[role]));

    /// <summary>The gateway's owner.</summary>
    public AdminReader Admin() => new(_adminUrl, AdminToken);

    /// <summary>The gateway owner's credential.</summary>
    public string AdminToken => File.ReadAllText(Path.Combine(_folder, "gateway", "admin.token")).Trim();

    /// <summary>Has the provider claim and pay out everything.</summary>
    public async Task ClaimAsync()
    {
        using var owner = await OwnerAsync();
        using var reply = await owner.PostAsync("/provider/v1/claim", null);
        Assert.True(reply.IsSuccessStatusCode, await reply.Content.ReadAsStringAsync());
    }

    /// <summary>What the provider tells its owner.</summary>
    public async Task<JsonElement> StatusAsync()
    {
        using var owner = await OwnerAsync();
        return await owner.GetFromJsonAsync<JsonElement>("/provider/v1/status");
    }

    /// <summary>What a role logged last.</summary>
    public string Log(string role)
    {
        var path = Path.Combine(_folder, role, role + ".log");
        return File.Exists(path) ? string.Join('\n', File.ReadLines(path).TakeLast(40)) : "";
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var role in _running.Keys.ToList())
        {
            await KillAsync(role);
        }

        await Basics.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<HttpClient> OwnerAsync()
    {
        var http = new HttpClient
        {
            BaseAddress = new Uri($"http://127.0.0.1:{Text(_providerAdmin)}"), Timeout = TimeSpan.FromSeconds(60),
        };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
            "Bearer", (await File.ReadAllTextAsync(Path.Combine(_folder, "provider", "admin.token"))).Trim());
        return http;
    }

    private async Task BeginAsync(int indexerPort)
    {
        var watchPort = Places.OnePort();
        var (providerPort, gatewayPort, adminPort) = (Places.OnePort(), Places.OnePort(), Places.OnePort());
        _keys = ProviderKeyring.Create(Basics.Randomness);
        await Basics.RegisterAsync(
            _keys, string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{providerPort}"));
        await Basics.Node.KeepTimeAsync();
        await File.WriteAllTextAsync(Path.Combine(_folder, "network.json"), Basics.Network.ToJson());
        RoleFolder.Make(
            Path.Combine(_folder, "provider"), ("provider", _keys.Owner), ("payout", _keys.Payout),
            ("node", _keys.Node), ("authorizer", _keys.Authorizer), ("gas", _keys.Gas));
        RoleFolder.Make(Path.Combine(_folder, "gateway"), ("gateway", Basics.HotKey));
        RoleFolder.Make(Path.Combine(_folder, "watch"), ("watch", _keys.Gas));
        Command("indexer", indexerPort);
        Command("watch", watchPort, "--provider", _keys.Owner.Address.ToString(), "--admin-port",
            Text(Places.OnePort()));
        Command("provider", providerPort, "--admin-port", Text(_providerAdmin), "--model", Places.Model,
            // So dear that a token is many of the smallest units, and losses are seen exactly.
            "--price-in", "10", "--price-out", "40", "--watchtower", $"http://127.0.0.1:{Text(watchPort)}");
        Command("gateway", gatewayPort, "--admin-port", Text(adminPort), "--vault", Basics.Vault.ToString(),
            "--slice", Slice);
        foreach (var role in _commands.Keys)
        {
            await StartAsync(role);
        }

        // Without a catalogue a model goes by its provider and digest.
        Model = $"{_keys.Owner.Address}/{_running["provider"].Told("model digest")}";
        Url = new Uri($"http://127.0.0.1:{Text(gatewayPort)}");
        _adminUrl = new Uri($"http://127.0.0.1:{Text(adminPort)}");
    }

    private void Command(string role, int port, params string[] options) => _commands[role] =
    [
        role, "--data", Path.Combine(_folder, role), "--network", Path.Combine(_folder, "network.json"),
        "--port", Text(port), .. options,
    ];

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
