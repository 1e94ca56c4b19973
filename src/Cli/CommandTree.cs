using System.CommandLine;
using Souk.Cli.Commands;
using Souk.Cli.Doctor;
using Souk.Cli.ModelShelf;
using Souk.Cli.Output;
using Souk.Cli.Roles;
using Souk.Cli.Wallet;

namespace Souk.Cli;

/// <summary>All commands.</summary>
internal static class CommandTree
{
    // Stopping a whole network drains running answers first; only then is the program ended the hard way.
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(80);

    /// <summary>Runs what the arguments say; the exit code.</summary>
    public static async Task<int> RunAsync(string[] args, Screen screen)
    {
        var parsed = Root(screen).Parse(args);
        var code = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = StopPatience });
        return parsed.Errors.Count > 0 ? ExitCodes.Usage : code;
    }

    public static RootCommand Root(Screen screen) => new($"Souk: an open market for AI compute. {ExitCodes.Help}")
    {
        SharedOptions.Data,
        NetworkCommands.Up(screen),
        NetworkCommands.Down(screen),
        NetworkCommands.Status(screen),
        NetworkCommands.Chat(screen),
        ProviderCommand.Provider(screen),
        GatewayCommand.Gateway(screen),
        IndexerCommand.Indexer(screen),
        WatchCommand.Watch(screen),
        ModelCommands.Model(screen),
        DeployCommand.Deploy(screen),
        WalletCommands.Wallet(screen),
        KeyCommands.Keys(screen),
        UsageCommand.Usage(screen),
        LedgerCommand.Ledger(screen),
        DoctorCommand.Doctor(screen),
    };
}
