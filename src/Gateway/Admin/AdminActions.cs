using System.Text.Json;
using Souk.Chain;
using Souk.Gateway.Channels;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Protocol;

namespace Souk.Gateway.Admin;

/// <summary>What the owner does through the admin API.</summary>
internal sealed class AdminActions(
    GatewayOptions options, IMarketChain chain, Journal<CustomerBook> journal, ChannelWatch watch)
{
    /// <summary>POST deposits: <c>{"amount"}</c> moves currency that the gateway's own key holds into the vault.
    /// Anybody else funds the vault by sending currency to its address.</summary>
    public async Task<Result<ReadOnlyMemory<byte>>> DepositAsync(
        ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        var read = AdminJson.Read<Amount>(body, root => TryAmount(root, "amount", out var given)
            ? given
            : new Refusal(Fault.Theirs, "amount_unfit",
                "The amount is a decimal string of the whole currency, such as \"5.00\"."));
        if (!read.TryGet(out var amount, out var refusal))
        {
            return refusal;
        }

        var outcome = await chain.Account(options.HotKey).SubmitAsync(
            new TransferCurrency(options.Vault, amount), cancellation);
        return outcome.TryGet(out var mined, out refusal)
            ? AdminJson.Write(json => json.WriteString("transaction", mined.Hash.ToString()))
            : refusal;
    }

    /// <summary>POST channels/{id}/withdraw: takes an idle channel's money back to the vault, after its
    /// delay.</summary>
    public async Task<Result<ReadOnlyMemory<byte>>> WithdrawAsync(Bytes32 id, CancellationToken cancellation) =>
        journal.Book.Channels.GetValueOrDefault(id) is not { } channel
            ? new Refusal(Fault.Theirs, "channel_unknown", "There is no such channel.")
            : await watch.StartWithdrawalAsync(channel, cancellation) is { } refusal
                ? refusal
                : AdminJson.Ok;

    private bool TryAmount(JsonElement root, string name, out Amount amount)
    {
        amount = Amount.Zero;
        return root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            && Amount.TryFromDecimal(value.GetString()!, chain.Network.CurrencyDecimals, out amount);
    }
}
