using System.CommandLine;
using Souk.Cli.Output;

namespace Souk.Cli.Wallet;

/// <summary><c>wallet</c>: keys and money of this data folder.</summary>
internal static class WalletCommands
{
    public static Command Wallet(Screen screen) =>
        new("wallet", "Keys, and money into and out of the vault.")
        {
            WalletKeys.New(screen), WalletKeys.Import(screen), WalletKeys.List(screen), VaultCommand.Vault(screen),
            WalletMoney.Balance(screen), WalletMoney.Deposit(screen), WalletMoney.Withdraw(screen),
            ReceiverCommand.Create(screen), WalletMoney.Faucet(screen),
        };
}
