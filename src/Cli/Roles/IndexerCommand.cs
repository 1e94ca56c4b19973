using System.CommandLine;
using Souk.Cli.Commands;
using Souk.Cli.Hosting;
using Souk.Cli.Output;
using Souk.Cli.Up;

namespace Souk.Cli.Roles;

/// <summary><c>indexer</c>: helps gateways to find providers.</summary>
internal static class IndexerCommand
{
    private static readonly Option<int> Port = new("--port")
    {
        Description = "Port to listen on.", DefaultValueFactory = static _ => Ports.Default.Indexer,
    };

    public static Command Indexer(Screen screen) =>
        new Command(
            "indexer", "Run an indexer: it takes offers, follows chain and heartbeats, and answers who can serve what.")
        {
            SharedOptions.Network, RoleRun.Listen, Port,
        }.DoesOnNetwork(screen, (session, parsed, _, cancellation) =>
        {
            var port = parsed.GetValue(Port);
            return new RoleRun("indexer", screen).RunAsync(
                session,
                parsed,
                new Ports(0, 0, 0, port, 0),
                async (start, stop) => new RoleRun.Started(
                    await RoleHosts.IndexerAsync(start.Shared, start.Address, port, stop),
                    [("listens on", FormattableString.Invariant($"http://{start.Address}:{port}"))]),
                cancellation);
        });
}
