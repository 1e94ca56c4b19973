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

    /// <summary>The ports that were chosen, or those of the network that runs here.</summary>
    public static Ports Ports(ParseResult parsed) =>
        parsed.GetValue(PortBase) is { } start ? Up.Ports.From(start) : Up.Ports.Default;
}
