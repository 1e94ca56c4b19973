using System.CommandLine;
using Souk.Chain;
using Souk.Cli.Commands;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Protocol;

namespace Souk.Cli.Wallet;

/// <summary><c>wallet receiver</c>: whom the vault may pay beside the active providers of its registries.</summary>
internal static class ReceiverCommand
{
    private static readonly Argument<string?> Receiver = new("address")
    {
        Description = "Where the seller is paid, as its 402 answer states in payTo. Without it the list is shown.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<bool> Remove = new("--remove") { Description = "Take it off the list." };

    private static readonly Option<string?> Vault = new("--vault")
    {
        Description = "The vault (default: the data folder's own).",
    };

    private static readonly Option<string> Owner = new("--owner")
    {
        Description = "Key of the data folder that owns the vault.",
        DefaultValueFactory = static _ => VaultCommand.OwnerRole,
    };

    public static Command Create(Screen screen) =>
        new Command(
            "receiver", "List a seller that is in no registry, such as an x402 server, so that the vault may fund "
                + "channels to it; by the owner's signature.")
        {
            Receiver, Remove, Vault, Owner, SharedOptions.GasRole, SharedOptions.Network, SharedOptions.Json,
        }.DoesOnNetwork(screen, async (session, parsed, reply, cancellation) =>
        {
            if (!VaultCommand.Find(session, parsed.GetValue(Vault)).TryGet(out var vault, out var refusal))
            {
                return reply.Refuse(refusal);
            }

            if (parsed.GetValue(Receiver) is { } text
                && await ListAsync(session, parsed, vault, text, cancellation) is { } refused)
            {
                return reply.Refuse(refused);
            }

            if (!(await session.Chain.VaultAsync(vault, ReadPoint.Newest, cancellation)).TryGet(
                out var read, out refusal))
            {
                return reply.Refuse(refusal);
            }

            return read.Value is { } state
                ? reply.Show(
                    ("vault", vault.ToString()),
                    ("receivers", state.Receivers.Select(receiver => new Dictionary<string, object?>
                    {
                        ["receiver"] = receiver.ToString(),
                    }).ToList()))
                : reply.Refuse(VaultCommand.Missing(vault));
        });

    private static async Task<Refusal?> ListAsync(
        NetworkSession session, ParseResult parsed, Address vault, string text, CancellationToken cancellation)
    {
        if (!Address.TryParse(text, out var receiver))
        {
            return new Refusal(Fault.Theirs, "address", $"'{text}' is no address.");
        }

        if (!session.Keys.Open(parsed.GetValue(Owner)!).TryGet(out var owner, out var refusal))
        {
            return refusal;
        }

        using (owner)
        {
            var isListed = !parsed.GetValue(Remove);
            return !(await VaultCommand.PayerAsync(session, parsed, cancellation)).TryGet(out var payer, out refusal)
                ? refusal
                : (await session.RelayAsync(
                    owner, vault, [new ListReceiver(vault, receiver, isListed)], payer, cancellation)).Refusal;
        }
    }
}
