using System.CommandLine;
using System.Net;
using Souk.Chain;
using Souk.Cli.Commands;
using Souk.Cli.Hosting;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Cli.Up;
using Souk.Protocol;
using Souk.Provider.Watch;
using Souk.Wire.Http;

namespace Souk.Cli.Roles;

/// <summary><c>watch</c>: claims for providers that are down.</summary>
internal static class WatchCommand
{
    private const int DefaultPort = 8085;
    private const int DefaultAdminPort = 8086;
    private const string GasRole = "watch";
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(5);

    private static readonly Option<string[]> Provider = new("--provider")
    {
        Description = "Address of a registered provider to watch for.", DefaultValueFactory = static _ => [],
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<string[]> Authorizer = new("--authorizer")
    {
        Description = "Key that signs a provider's claims, where the provider is in no registry.",
        DefaultValueFactory = static _ => [], AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<int> Port = new("--port")
    {
        Description = "Port that providers hand their claims to.", DefaultValueFactory = static _ => DefaultPort,
    };

    private static readonly Option<int> AdminPort = new("--admin-port")
    {
        Description = "Port of the owner's door, on loopback only.", DefaultValueFactory = static _ => DefaultAdminPort,
    };

    private static readonly Option<bool> Tls = new("--tls")
    {
        Description = "Serve TLS with a pinned certificate on loopback too; elsewhere that is always so.",
    };

    public static Command Watch(Screen screen) =>
        new Command(
            "watch",
                "Run a watchtower: it holds claims that providers signed, and sends them when a customer withdraws "
                + "while the provider is down. It needs gas money, and no secret of theirs.")
        {
            SharedOptions.Network, RoleRun.Listen, Provider, Authorizer, Port, AdminPort, Tls,
        }.Does(screen, async (parsed, cancellation) =>
        {
            var reply = Guarded.Reply(parsed, screen);
            if (!(await OpenAsync(parsed, screen, cancellation)).TryGet(out var session, out var refusal))
            {
                return reply.Refuse(refusal);
            }

            await using (session)
            {
                return await new RoleRun("watch", screen).RunAsync(
                    session, parsed, new Ports(0, parsed.GetValue(AdminPort), 0, 0, 0, parsed.GetValue(Port)),
                    (start, stop) => StartAsync(start, parsed, stop), cancellation);
            }
        });

    // A watchtower that was killed while no node answers has to come back by itself.
    private static async Task<Result<NetworkSession>> OpenAsync(
        ParseResult parsed, Screen screen, CancellationToken cancellation)
    {
        var isTold = false;
        while (true)
        {
            var opened = await NetworkSession.OpenAsync(
                parsed.GetValue(SharedOptions.Data)!, parsed.GetValue(SharedOptions.Network), TimeProvider.System,
                cancellation);
            if (opened.Refusal is not { Code: ChainRefusals.Unavailable } refusal)
            {
                return opened;
            }

            if (!isTold)
            {
                screen.Line($"{refusal.Message} Trying again until one answers.");
                isTold = true;
            }

            await Task.Delay(Again, TimeProvider.System, cancellation);
        }
    }

    private static async Task<Result<RoleRun.Started>> StartAsync(
        RoleRun.Start start, ParseResult parsed, CancellationToken cancellation)
    {
        var session = start.Session;
        if (!(await AuthorizersAsync(session, parsed, cancellation)).TryGet(out var authorizers, out var refusal)
            || !session.Keys.OpenOrCreate(GasRole).TryGet(out var gas, out refusal)
            || !(await session.Chain.HoldingsAsync(gas.Address, cancellation)).TryGet(out var held, out refusal))
        {
            return refusal;
        }

        var options = new WatchOptions { Authorizers = authorizers, GasKey = gas };
        if (options.Problems() is { Count: > 0 } problems)
        {
            return new Refusal(Fault.Theirs, "options", string.Join(" ", problems));
        }

        var (port, admin) = (parsed.GetValue(Port), parsed.GetValue(AdminPort));
        var isSecure = parsed.GetValue(Tls) || !IPAddress.IsLoopback(start.Address);
        var certificates = isSecure
            ? NodeCertificateStore.Open(session.Data.Folder("watch-certificates"), session.Time)
            : null;
        var role = await RoleHosts.WatchAsync(
            start.Shared, options, certificates, start.Address, port, admin,
            GatewaySetup.AdminToken(session.Data, session.Randomness), cancellation);
        var host = start.Address.Equals(IPAddress.Any) ? "THIS-MACHINE" : start.Address.ToString();
        var url = certificates is null
            ? FormattableString.Invariant($"http://{host}:{port}")
            : FormattableString.Invariant($"https://{host}:{port}#{certificates.Current.SpkiHash}");
        return new RoleRun.Started(
            role,
            [
                ("watches for claims signed by", string.Join(", ", authorizers)),
                ("listens on", FormattableString.Invariant($"{start.Address}:{port}")),
                ("--watchtower of the provider", url),
                ("gas key", held.Value.GasMoney > 0
                    ? gas.Address.ToString()
                    : $"{gas.Address} has no gas money, so it cannot claim: send it some of the chain's coin"),
            ]);
    }

    // All key sets that a provider ever had: its old channels name old keys.
    private static async Task<Result<IReadOnlyList<Address>>> AuthorizersAsync(
        NetworkSession session, ParseResult parsed, CancellationToken cancellation)
    {
        List<Address> authorizers = [];
        foreach (var text in parsed.GetValue(Authorizer)!)
        {
            if (!Address.TryParse(text, out var authorizer))
            {
                return new Refusal(Fault.Theirs, "address", $"'{text}' (--authorizer) is no address.");
            }

            authorizers.Add(authorizer);
        }

        foreach (var text in parsed.GetValue(Provider)!)
        {
            if (!Address.TryParse(text, out var provider))
            {
                return new Refusal(Fault.Theirs, "address", $"'{text}' (--provider) is no address.");
            }

            if (!(await session.Chain.KeySetsAsync(provider, ReadPoint.Newest, cancellation)).TryGet(
                out var sets, out var refusal))
            {
                return refusal;
            }

            if (sets.Value.Count == 0)
            {
                return new Refusal(Fault.Theirs, "not_registered", $"{provider} is not registered on this network.");
            }

            authorizers.AddRange(sets.Value.Select(set => set.Keys.Authorizer));
        }

        return authorizers.Distinct().ToList();
    }
}
