using System.CommandLine;
using System.Net;
using Souk.Cli.Commands;
using Souk.Cli.Hosting;
using Souk.Cli.Output;
using Souk.Cli.Up;
using Souk.Protocol;
using Souk.Wire.Http;

namespace Souk.Cli.Roles;

/// <summary><c>indexer</c>: helps gateways to find providers.</summary>
internal static class IndexerCommand
{
    private static readonly Option<int> Port = new("--port")
    {
        Description = "Port to listen on.", DefaultValueFactory = static _ => Ports.Default.Indexer,
    };

    private static readonly Option<bool> Tls = new("--tls")
    {
        Description = "Serve TLS with a pinned certificate on loopback too; elsewhere that is always so.",
    };

    public static Command Indexer(Screen screen) =>
        new Command(
            "indexer", "Run an indexer: it takes offers, follows chain and heartbeats, and answers who can serve what.")
        {
            SharedOptions.Network, RoleRun.Listen, Port, Tls,
        }.DoesOnNetwork(screen, (session, parsed, _, cancellation) =>
        {
            var port = parsed.GetValue(Port);
            return new RoleRun("indexer", screen).RunAsync(
                session,
                parsed,
                new Ports(0, 0, 0, port, 0),
                (start, stop) => StartAsync(start, parsed, port, stop),
                cancellation);
        });

    private static async Task<Result<RoleRun.Started>> StartAsync(
        RoleRun.Start start, ParseResult parsed, int port, CancellationToken cancellation)
    {
        // Beyond this machine there is nothing but node links: TLS, and the pin that goes with the URL.
        var isSecure = parsed.GetValue(Tls) || !IPAddress.IsLoopback(start.Address);
        var certificates = isSecure
            ? NodeCertificateStore.Open(start.Session.Data.Folder("certificates"), start.Session.Time)
            : null;
        var role = await RoleHosts.IndexerAsync(start.Shared, certificates, start.Address, port, cancellation);
        var host = start.Address.Equals(IPAddress.Any) ? "THIS-MACHINE" : start.Address.ToString();
        var url = certificates is null
            ? FormattableString.Invariant($"http://{host}:{port}")
            : FormattableString.Invariant($"https://{host}:{port}#{certificates.Current.SpkiHash}");
        return new RoleRun.Started(
            role,
            [
                ("listens on", FormattableString.Invariant($"{start.Address}:{port}")),
                ("URL to give", url),
            ]);
    }
}
