using System.CommandLine;
using System.Globalization;
using Souk.Cli.Commands;
using Souk.Cli.Hosting;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Cli.Up;
using Souk.Protocol;
using Souk.Wire.Http;

namespace Souk.Cli.Roles;

/// <summary><c>provider</c>: sells a model.</summary>
internal static class ProviderCommand
{
    private const int DefaultAdminPort = 8084;

    private static readonly Option<int> Port = new("--port")
    {
        Description = "Port of the node link.", DefaultValueFactory = static _ => Ports.Default.Provider,
    };

    private static readonly Option<int> AdminPort = new("--admin-port")
    {
        Description = "Port of the owner's door, on loopback only.", DefaultValueFactory = static _ => DefaultAdminPort,
    };

    private static readonly Option<string> PriceIn = new("--price-in")
    {
        Description = "Currency per million prompt tokens.", DefaultValueFactory = static _ => "0.1",
    };

    private static readonly Option<string?> PriceCached = new("--price-cached")
    {
        Description = "Currency per million prompt tokens served from a cache (default: half of --price-in).",
    };

    private static readonly Option<string> PriceOut = new("--price-out")
    {
        Description = "Currency per million generated tokens.", DefaultValueFactory = static _ => "0.4",
    };

    private static readonly Option<int> Concurrency = new("--concurrency")
    {
        Description = "Requests served at once.", DefaultValueFactory = static _ => 16,
    };

    private static readonly Option<string> Region = new("--region")
    {
        Description = "Where the machine is, told in the offer.", DefaultValueFactory = static _ => "",
    };

    private static readonly Option<string> Hardware = new("--hardware")
    {
        Description = "What the machine is, told in the offer.", DefaultValueFactory = static _ => "",
    };

    private static readonly Option<string?> MostUnclaimed = new("--most-unclaimed")
    {
        Description = "Currency that may be owed unclaimed at any time; more work is refused (default: no cap).",
    };

    private static readonly Option<string[]> Indexer = new("--indexer")
    {
        Description = "Indexer to announce to beside those of the network file.", DefaultValueFactory = static _ => [],
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<string[]> Watchtower = new("--watchtower")
    {
        Description = "Watchtower that claims while this machine is down, as its 'souk watch' prints it: "
            + "https://host:port#PIN (default: none).",
        DefaultValueFactory = static _ => [], AllowMultipleArgumentsPerToken = true,
    };

    public static Command Provider(Screen screen)
    {
        var command = new Command(
            "provider", "Run a provider: it sells a model, signs receipts and claims what it earned.")
        {
            SharedOptions.Network, RoleRun.Listen, Port, AdminPort, PriceIn, PriceCached, PriceOut, Concurrency, Region,
            Hardware, MostUnclaimed, Indexer, Watchtower,
        };
        EngineOptions.AddTo(command);
        ProviderActions.AddTo(command, screen);
        return command.DoesOnNetwork(
            screen, (session, parsed, _, cancellation) => new RoleRun("provider", screen).RunAsync(
            session,
            parsed,
            new Ports(0, parsed.GetValue(AdminPort), parsed.GetValue(Port), 0, 0),
            (start, stop) => StartAsync(start, parsed, stop),
            cancellation));
    }

    private static async Task<Result<RoleRun.Started>> StartAsync(
        RoleRun.Start start, ParseResult parsed, CancellationToken cancellation)
    {
        var session = start.Session;
        if (!ProviderSecrets.Open(session.Keys).TryGet(out var secrets, out var refusal)
            || !Terms(session, parsed).TryGet(out var terms, out refusal)
            || !(await EndpointAsync(session, secrets, cancellation)).TryGet(out var endpoint, out refusal)
            || (refusal = await GasAsync(session, secrets, cancellation)) is not null
            || !(await Engine(parsed).LoadAsync(cancellation)).TryGet(out var engine, out refusal))
        {
            return refusal;
        }

        var certificates = NodeCertificateStore.Open(session.Data.Folder("certificates"), session.Time);
        IReadOnlyList<string> indexers = [.. session.Network.Indexers.Concat(parsed.GetValue(Indexer)!).Distinct()];
        var options = ProviderSetup.Options(secrets, endpoint, certificates, engine.Engine, indexers, terms);
        var token = GatewaySetup.AdminToken(session.Data, session.Randomness);
        var running = await RoleHosts.ProviderAsync(
            start.Shared, options, certificates, start.Address, parsed.GetValue(Port), parsed.GetValue(AdminPort),
            token,
            cancellation);
        if (!running.TryGet(out var provider, out refusal))
        {
            await engine.Engine.DisposeAsync();
            certificates.Dispose();
            return refusal;
        }

        var model = engine.Engine.Model;
        return new RoleRun.Started(
            provider.Role,
            [
                ("provider", secrets.Owner.Address.ToString()),
                ("sells", $"{model.Name} on {model.EngineName} (counting: {model.Counting})"),
                ("model digest", model.Manifest.Digest.ToString()),
                ("endpoint", $"{endpoint}, listening on "
                    + $"{start.Address}:{parsed.GetValue(Port).ToString(CultureInfo.InvariantCulture)}"),
                ("certificate pin", certificates.Current.SpkiHash.ToString()),
                ("prices", $"{session.Text(terms.Prices.Input)} in, {session.Text(terms.Prices.Output)} out per "
                    + "million tokens"),
                ("indexers", indexers.Count == 0 ? "none: only gateways that know the endpoint come"
                    : string.Join(", ", indexers)),
                ("payout", secrets.Payout.Address.ToString()),
            ]);
    }

    // What is offered at once is worked on at once.
    private static EngineChoice Engine(ParseResult parsed) =>
        EngineOptions.Choice(parsed) with { Concurrency = parsed.GetValue(Concurrency) };

    private static Result<SaleTerms> Terms(NetworkSession session, ParseResult parsed)
    {
        if (!session.Amount(parsed.GetValue(PriceIn)!).TryGet(out var input, out var refusal)
            || !session.Amount(parsed.GetValue(PriceOut)!).TryGet(out var output, out refusal))
        {
            return refusal;
        }

        var cached = new Amount(input.Units / 2);
        var most = Amount.MaxValue;
        if ((parsed.GetValue(PriceCached) is { } price && !session.Amount(price).TryGet(out cached, out refusal))
            || (parsed.GetValue(MostUnclaimed) is { } cap && !session.Amount(cap).TryGet(out most, out refusal)))
        {
            return refusal;
        }

        return new SaleTerms
        {
            Prices = new Prices(input, cached, output),
            Concurrency = parsed.GetValue(Concurrency),
            Region = parsed.GetValue(Region)!,
            Hardware = parsed.GetValue(Hardware)!,
            MostUnclaimed = most,
            Watchtowers = parsed.GetValue(Watchtower)!,
        };
    }

    // The registry is what gateways go by, so what is offered has to be what is registered.
    private static async Task<Result<string>> EndpointAsync(
        NetworkSession session, ProviderSecrets secrets, CancellationToken cancellation)
    {
        if (!(await ProviderRegistration.EntryAsync(session, secrets.Owner.Address, cancellation))
            .TryGet(out var entry, out var refusal))
        {
            return refusal;
        }

        return !entry.IsActive
            ? new Refusal(
                Fault.Ours, "left", "This provider has left the registry; come back with 'souk provider register'.")
            : entry.Current.Keys != secrets.Addresses
                ? new Refusal(
                    Fault.Ours, "keys_differ",
                    "The registry has other keys than this data folder; bring it up to date with 'souk provider "
                        + "register'.")
                : entry.Endpoint;
    }

    private static async Task<Refusal?> GasAsync(
        NetworkSession session, ProviderSecrets secrets, CancellationToken cancellation)
    {
        var held = await session.Chain.HoldingsAsync(secrets.Gas.Address, cancellation);
        return !held.TryGet(out var read, out var refusal)
            ? refusal
            : read.Value.GasMoney > 0
                ? null
                : new Refusal(
                    Fault.Ours, "no_gas_money",
                    $"The gas key {secrets.Gas.Address} has no gas money, so nothing could be claimed. Send it some "
                        + "of the chain's coin.");
    }
}
