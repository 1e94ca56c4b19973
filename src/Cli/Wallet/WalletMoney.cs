using System.CommandLine;
using System.Globalization;
using Souk.Chain;
using Souk.Cli.Commands;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Protocol;

namespace Souk.Cli.Wallet;

/// <summary><c>wallet balance</c>, <c>deposit</c>, <c>withdraw</c>, <c>faucet</c>.</summary>
internal static class WalletMoney
{
    private static readonly UInt128 OneGasMoney = 1_000_000_000_000_000_000;

    private static readonly Argument<string> HowMuch = new("amount")
    {
        Description = "Decimal of the whole currency, such as 12.5.",
    };

    private static readonly Argument<string?> Of = new("holder")
    {
        Description = "An address or a key's name (default: all keys of the data folder).",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string?> Vault = new("--vault")
    {
        Description = "The vault (default: the data folder's own).",
    };

    private static readonly Option<string> Owner = new("--owner")
    {
        Description = "Key that owns the vault and the money.",
        DefaultValueFactory = static _ => VaultCommand.OwnerRole,
    };

    public static Command Balance(Screen screen) =>
        new Command("balance", "Show currency and gas money of addresses, and the vault.")
        {
            Of, Vault, SharedOptions.Network, SharedOptions.Json,
        }.DoesOnNetwork(screen, async (session, parsed, reply, cancellation) =>
        {
            IReadOnlyList<string> named = parsed.GetValue(Of) is { } one ? [one] : session.Keys.Roles();
            List<IReadOnlyDictionary<string, object?>> rows = [];
            foreach (var name in named)
            {
                if (!session.Holder(name).TryGet(out var address, out var refusal)
                    || !(await session.Chain.HoldingsAsync(address, cancellation)).TryGet(out var held, out refusal))
                {
                    return reply.Refuse(refusal);
                }

                rows.Add(new Dictionary<string, object?>
                {
                    ["holder"] = name,
                    ["address"] = address.ToString(),
                    ["currency"] = session.Text(held.Value.Currency),
                    ["gas_money"] = GasMoney(held.Value.GasMoney),
                });
            }

            var vault = VaultCommand.Find(session, parsed.GetValue(Vault));
            if (!vault.TryGet(out var where, out var missing))
            {
                return parsed.GetValue(Vault) is null ? reply.Show(("balances", rows)) : reply.Refuse(missing);
            }

            var fields = await VaultCommand.DescribeAsync(session, where, cancellation);
            return fields.TryGet(out var described, out missing)
                ? reply.Show(("balances", rows), ("vault", described))
                : reply.Refuse(missing);
        });

    public static Command Deposit(Screen screen) =>
        new Command(
            "deposit", "Move currency of the owner's address into the vault, by signature: the owner needs no gas.")
        {
            HowMuch, Owner, Vault, SharedOptions.GasRole, SharedOptions.Network, SharedOptions.Json,
        }.DoesOnNetwork(screen, async (session, parsed, reply, cancellation) =>
        {
            if (!session.Amount(parsed.GetValue(HowMuch)!).TryGet(out var amount, out var refusal)
                || !VaultCommand.Find(session, parsed.GetValue(Vault)).TryGet(out var vault, out refusal)
                || !session.Keys.Open(parsed.GetValue(Owner)!).TryGet(out var owner, out refusal)
                || !(await VaultCommand.PayerAsync(session, parsed, cancellation)).TryGet(out var payer, out refusal)
                || !(await session.FundAsync(
                    owner, vault, amount, session.Randomness.NextBytes32(), payer, cancellation))
                    .TryGet(out var done, out refusal))
            {
                return reply.Refuse(refusal);
            }

            return await ShowMovedAsync(session, reply, amount, vault, done, cancellation);
        });

    public static Command Withdraw(Screen screen) =>
        new Command(
            "withdraw", "Take money out of the vault to its owner, by the owner's signature; 'all' takes everything.")
        {
            HowMuch, Owner, Vault, SharedOptions.GasRole, SharedOptions.Network, SharedOptions.Json,
        }.DoesOnNetwork(screen, async (session, parsed, reply, cancellation) =>
        {
            if (!VaultCommand.Find(session, parsed.GetValue(Vault)).TryGet(out var vault, out var refusal)
                || !(await session.Chain.VaultAsync(vault, ReadPoint.Newest, cancellation)).TryGet(
                    out var read, out refusal))
            {
                return reply.Refuse(refusal);
            }

            if (read.Value is not { } state)
            {
                return reply.Refuse(VaultCommand.Missing(vault));
            }

            var wanted = parsed.GetValue(HowMuch)!;
            if (!(wanted == "all" ? (Result<Amount>)state.Balance : session.Amount(wanted)).TryGet(
                out var amount, out refusal)
                || !session.Keys.Open(parsed.GetValue(Owner)!).TryGet(out var owner, out refusal)
                || !(await VaultCommand.PayerAsync(session, parsed, cancellation)).TryGet(out var payer, out refusal)
                || !(await session.RelayAsync(
                    owner, vault, [new VaultWithdraw(vault, session.Network.Currency, amount)], payer, cancellation))
                    .TryGet(out var done, out refusal))
            {
                return reply.Refuse(refusal);
            }

            return await ShowMovedAsync(session, reply, amount, vault, done, cancellation);
        });

    public static Command Faucet(Screen screen)
    {
        var gas = new Option<int>(
            "--gas") { Description = "Whole units of gas money.", DefaultValueFactory = static _ => 10 };
        var currency = new Option<string>("--currency")
        {
            Description = "Currency.", DefaultValueFactory = static _ => "1000",
        };
        var to = new Argument<string>("holder") { Description = "An address or a key's name." };
        return new Command("faucet", "Give play money and gas to an address; on development chains only.")
        {
            to, gas, currency, SharedOptions.Network, SharedOptions.Json,
        }.DoesOnNetwork(screen, async (session, parsed, reply, cancellation) =>
        {
            if (!session.Holder(parsed.GetValue(to)!).TryGet(out var holder, out var refusal)
                || !session.Amount(parsed.GetValue(currency)!).TryGet(out var amount, out refusal)
                || !WellKnownKeys.Development(session.Network.ChainId).TryGet(out var rich, out refusal))
            {
                return reply.Refuse(refusal);
            }

            var account = session.Chain.Account(rich);
            var wei = (UInt128)Math.Max(parsed.GetValue(gas), 0) * OneGasMoney;
            List<MarketAction> gifts = [];
            gifts.AddRange(wei > 0 ? [new TransferGasMoney(holder, wei)] : []);
            gifts.AddRange(amount.IsZero ? [] : [new MintCurrency(holder, amount)]);
            foreach (var gift in gifts)
            {
                if ((await account.SubmitAsync(gift, cancellation)).Refusal is { } refused)
                {
                    return reply.Refuse(refused);
                }
            }

            var held = await session.Chain.HoldingsAsync(holder, cancellation);
            return held.TryGet(out var read, out refusal)
                ? reply.Show(
                    ("address", holder.ToString()), ("currency", session.Text(read.Value.Currency)),
                    ("gas_money", GasMoney(read.Value.GasMoney)))
                : reply.Refuse(refusal);
        });
    }

    /// <summary>Wei as a decimal of the whole coin.</summary>
    public static string GasMoney(UInt128 wei) =>
        ((decimal)wei / (decimal)OneGasMoney).ToString("0.##################", CultureInfo.InvariantCulture);

    private static async Task<int> ShowMovedAsync(
        NetworkSession session, Report reply, Amount amount, Address vault, TxOutcome done,
        CancellationToken cancellation)
    {
        var held = await session.Chain.HoldingsAsync(vault, cancellation);
        return held.TryGet(out var read, out var refusal)
            ? reply.Show(
                ("moved", session.Text(amount)), ("vault", vault.ToString()),
                ("vault_balance", session.Text(read.Value.Currency)), ("transaction", done.Hash.ToString()))
            : reply.Refuse(refusal);
    }
}
