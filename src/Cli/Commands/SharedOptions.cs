using System.CommandLine;
using Souk.Cli.State;
using Souk.Cli.Up;

namespace Souk.Cli.Commands;

/// <summary>Options that several commands share.</summary>
internal static class SharedOptions
{
    public static Option<string> Data { get; } = new("--data")
    {
        Description = "Folder that keeps keys, chain and ledgers (also SOUK_DATA).",
        DefaultValueFactory = _ => DataDirectory.Default(),
        Recursive = true,
    };

    public static Option<int?> PortBase { get; } = new("--port-base")
    {
        Description = "First of five ports: gateway, admin, provider, indexer, chain (default 8080-8083 and 8545).",
    };

    public static Option<bool> Json { get; } = new("--json") { Description = "Print data as JSON." };

    public static Option<string?> Network { get; } = new("--network")
    {
        Description = "The network: a file, a URL, a folder that has a network.json, or a name in the data folder's "
            + "networks/. It is remembered in the data folder.",
    };

    public static Option<string?> GasRole { get; } = new("--gas-role")
    {
        Description = "Key that sends the transaction and pays its gas (default: the first that can; on a development "
            + "chain its rich account).",
    };

    /// <summary>The ports that were chosen, or those of the network that runs here.</summary>
    public static Ports Ports(ParseResult parsed) =>
        parsed.GetValue(PortBase) is { } start ? Up.Ports.From(start) : Up.Ports.Default;
}
