using System.CommandLine;
using Souk.Cli.Commands;
using Souk.Cli.Doctor;
using Souk.Cli.Output;
using Souk.Cli.Roles;
using Souk.Cli.Wallet;

namespace Souk.Cli;

/// <summary>All commands.</summary>
internal static class CommandTree
{
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
        DeployCommand.Deploy(screen),
        WalletCommands.Wallet(screen),
        KeyCommands.Keys(screen),
        DoctorCommand.Doctor(screen),
    };
}
