using System.CommandLine;
using Souk.Chain;
using Souk.Cli.Commands;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Protocol;

namespace Souk.Cli.Wallet;

/// <summary><c>wallet vault</c>: the contract that holds a customer's money, and finding it.</summary>
internal static class VaultCommand
{
    /// <summary>Owns the vault; needs no gas.</summary>
    public const string OwnerRole = "customer";

    /// <summary>The gateway's key, which draws within caps.</summary>
    public const string HotRole = "gateway";

    private const uint LongestWithdrawDelay = 7 * 86_400;
    private static readonly string[] Payers = [HotRole, OwnerRole, "gas", "deployer"];

    private static readonly Option<string> Cap = new("--cap")
    {
        Description = "Most that the gateway may move into channels in 24 hours.",
        DefaultValueFactory = static _ => "100",
    };

    private static readonly Option<string> ReceiverCap = new("--receiver-cap")
    {
        Description = "Most of that for one provider.", DefaultValueFactory = static _ => "20",
    };

    public static Command Vault(Screen screen) =>
        new Command("vault", "Make the vault: 'customer' owns it, 'gateway' may draw from it within caps.")
        {
            Cap, ReceiverCap, SharedOptions.GasRole, SharedOptions.Network, SharedOptions.Json,
        }.DoesOnNetwork(screen, async (session, parsed, reply, cancellation) =>
        {
            if (!session.Amount(parsed.GetValue(Cap)!).TryGet(out var cap, out var refusal)
                || !session.Amount(parsed.GetValue(ReceiverCap)!).TryGet(out var receiverCap, out refusal)
                || !Settings(session.Keys, session.Network, cap, receiverCap).TryGet(out var settings, out refusal)
                || !(await session.Chain.VaultAddressAsync(settings, Bytes32.Zero, cancellation)).TryGet(
                    out var vault, out refusal)
                || !(await session.Chain.VaultAsync(vault, ReadPoint.Newest, cancellation)).TryGet(
                    out var read, out refusal))
            {
                return reply.Refuse(refusal);
            }

            if (Known(session) is { } other && other != vault)
            {
                return reply.Refuse(new Refusal(
                    Fault.Theirs, "vault_exists",
                    $"{session.Data.Root} has the vault {other} already. Its caps are changed by its owner, not by a "
                        + $"second one; move {session.Data.Vault} away if you do want another."));
            }

            if (read.Value is null
                && (!(await PayerAsync(session, parsed, cancellation)).TryGet(out var payer, out refusal)
                    || !(await payer.Account.SubmitAsync(new CreateVault(settings, Bytes32.Zero), cancellation))
                        .TryGet(out _, out refusal)))
            {
                return reply.Refuse(refusal);
            }

            DataDirectory.Write(session.Data.Vault, vault.ToString());
            return (await DescribeAsync(session, vault, cancellation)).TryGet(out var fields, out refusal)
                ? reply.Show(fields)
                : reply.Refuse(refusal);
        });

    /// <summary>A vault of this folder's customer for this folder's gateway; its address follows from the
    /// settings.</summary>
    public static Result<VaultSettings> Settings(NodeKeys keys, NetworkFile network, Amount cap, Amount receiverCap)
    {
        if (!keys.OpenOrCreate(OwnerRole).TryGet(out var owner, out var refusal)
            || !keys.OpenOrCreate(HotRole).TryGet(out var hot, out refusal))
        {
            return refusal;
        }

        using (owner)
        using (hot)
        {
            return new VaultSettings(
                owner.Address,
                new VaultLimits(cap, receiverCap, ChannelConfig.MinWithdrawDelay, LongestWithdrawDelay),
                [new VaultHotKey(hot.Address, cap)],
                [network.Registry],
                []);
        }
    }

    /// <summary>The vault that was named, or the data folder's.</summary>
    public static Result<Address> Find(NetworkSession session, string? named) => named switch
    {
        null => Known(session) is { } known
            ? known
            : new Refusal(
                Fault.Ours, "vault_missing",
                $"{session.Data.Root} has no vault yet. Make one with 'souk wallet vault', or name one with --vault."),
        _ when Address.TryParse(named, out var given) => given,
        _ => new Refusal(Fault.Theirs, "address", $"'{named}' is no address."),
    };

    /// <summary>Who sends what the customer signs.</summary>
    public static Task<Result<Payer>> PayerAsync(
        NetworkSession session, ParseResult parsed, CancellationToken cancellation) =>
        session.PayerAsync(parsed.GetValue(SharedOptions.GasRole), Payers, cancellation);

    /// <summary>A vault's money and caps, as fields.</summary>
    public static async Task<Result<Dictionary<string, object?>>> DescribeAsync(
        NetworkSession session, Address vault, CancellationToken cancellation)
    {
        var read = await session.Chain.VaultAsync(vault, ReadPoint.Newest, cancellation);
        if (!read.TryGet(out var found, out var refusal))
        {
            return refusal;
        }

        return found.Value is not { } state
            ? Missing(vault)
            : new Dictionary<string, object?>
            {
                ["address"] = vault.ToString(),
                ["owner"] = state.Owner.ToString(),
                ["balance"] = session.Text(state.Balance),
                ["cap_24h"] = session.Text(state.Limits.Cap),
                ["cap_left"] = session.Text(state.Remaining),
                ["receiver_cap_24h"] = session.Text(state.Limits.ReceiverCap),
                ["hot_keys"] = state.HotKeys.Select(key => new Dictionary<string, object?>
                {
                    ["hot_key"] = key.Key.ToString(),
                    ["key_cap_24h"] = session.Text(key.Cap),
                    ["key_cap_left"] = session.Text(key.Remaining),
                }).ToList(),
            };
    }

    /// <summary>There is no vault at an address.</summary>
    public static Refusal Missing(Address vault) => new(
        Fault.Theirs, "vault_unknown",
        $"{vault} is no vault of this network's factory. Make one with 'souk wallet vault'.");

    private static Address? Known(NetworkSession session) =>
        DataDirectory.Read(session.Data.Vault) is { } text && Address.TryParse(text, out var known) ? known : null;
}
