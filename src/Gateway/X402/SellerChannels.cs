using Souk.Chain;
using Souk.Gateway.Channels;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Protocol;
using Souk.Wire.X402;

namespace Souk.Gateway.X402;

/// <summary>
/// Finds or opens the channel that pays an x402 server. No facilitator takes a vault for a collector, so the gateway
/// sends the deposit itself, with the gas of the key that pays for withdrawals.
/// </summary>
internal sealed class SellerChannels(
    GatewayOptions options, IMarketChain chain, Journal<CustomerBook> journal, TimeProvider time, Randomness randomness)
{
    private const ulong DrawSeconds = 600;
    private readonly EscrowDomain _escrow = chain.Network.EscrowDomain;
    private readonly SoukDomain _vault = new(chain.Network.ChainId, options.Vault);

    /// <summary>A channel that can pay a request on these terms; opened where there is none.</summary>
    public async Task<Result<CustomerChannel>> TakeAsync(
        X402Seller seller, PaymentRequirements terms, CancellationToken cancellation)
    {
        var own = journal.Book.Channels.Values.Where(channel => channel.Seller == seller.Url).ToList();
        if (own.Exists(channel => channel.State == CustomerChannelState.Frozen))
        {
            return new Refusal(
                Fault.Nobody, "seller_disputed",
                "A channel to the x402 server is in dispute; nothing is bought there until its money is back.");
        }

        return own.Where(channel => IsUsable(channel, terms)).MinBy(channel => channel.Free) is { } usable
            ? usable
            : await OpenAsync(seller, terms, cancellation);
    }

    private static bool IsUsable(CustomerChannel channel, PaymentRequirements terms) =>
        channel is { State: CustomerChannelState.Idle, IsWithdrawing: false } && channel.Free >= terms.Amount
        && SellerRules.Fits(channel.Config, terms);

    private async Task<Result<CustomerChannel>> OpenAsync(
        X402Seller seller, PaymentRequirements terms, CancellationToken cancellation)
    {
        var resumed = await ResumeAsync(seller, terms, cancellation);
        if (resumed.Refusal is not null || resumed.Value is not null)
        {
            return resumed.Refusal is { } failed ? failed : resumed.Value!;
        }

        var amount = Amount.Max(options.ChannelDeposit, terms.Amount);
        if (await CheckVaultAsync(terms, amount, cancellation) is { } refused)
        {
            return refused;
        }

        var config = new ChannelConfig(
            options.Vault, options.HotKey.Address, terms.PayTo, terms.Extra.ReceiverAuthorizer, terms.Asset,
            terms.Extra.WithdrawDelay, SellerSalt.Next(seller.Url, randomness));
        var now = time.GetUtcNow();
        var draw = new DrawAuthorisation(
            config.Id(_escrow), amount, randomness.NextBytes32(), (ulong)now.ToUnixTimeSeconds() + DrawSeconds);
        var signed = new DrawSigned(
            draw.ChannelId, config, amount, draw.Nonce, draw.Deadline, (ulong)now.ToUnixTimeMilliseconds());
        await journal.RecordAsync(signed);
        var mined = await chain.Account(options.GasKey ?? options.HotKey).SubmitAsync(
            new DepositFromVault(config, draw, draw.Sign(options.HotKey, _vault)), cancellation);
        // Whether it was mined is what the chain says, whatever became of the waiting.
        var adopted = await AdoptAsync(seller, signed, cancellation);
        return adopted.Refusal is { } refusal ? refusal
            : adopted.Value is { } channel ? channel
            : NotYet(mined.Refusal?.Message);
    }

    // A draw that was signed before may have been mined although nobody was told; until its deadline it may yet be.
    private async Task<Result<CustomerChannel?>> ResumeAsync(
        X402Seller seller, PaymentRequirements terms, CancellationToken cancellation)
    {
        var (book, now) = (journal.Book, (ulong)time.GetUtcNow().ToUnixTimeSeconds());
        foreach (var draw in book.Draws.Values.Where(draw => !book.Channels.ContainsKey(draw.ChannelId)
            && SellerSalt.IsOf(draw.Config.Salt, seller.Url) && SellerRules.Fits(draw.Config, terms)))
        {
            var adopted = await AdoptAsync(seller, draw, cancellation);
            if (adopted.Refusal is not null || adopted.Value is not null)
            {
                return adopted;
            }

            if (draw.Deadline >= now)
            {
                return NotYet();
            }
        }

        return (CustomerChannel?)null;
    }

    private async Task<Result<CustomerChannel?>> AdoptAsync(
        X402Seller seller, DrawSigned draw, CancellationToken cancellation)
    {
        var read = await chain.ChannelsAsync([draw.ChannelId], ReadPoint.Newest, cancellation);
        if (!read.TryGet(out var states, out var refusal))
        {
            return refusal;
        }

        if (states.Value[0] is var state && state.Available.IsZero)
        {
            return (CustomerChannel?)null;
        }

        var now = (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();
        await journal.RecordAsync(book => book.Channels.ContainsKey(draw.ChannelId)
            ? Array.Empty<LedgerEvent>()
            : new LedgerEvent[]
            {
                new ChannelOpened(draw.ChannelId, draw.Config.Receiver, draw.Config, state.Balance, now),
                new SellerTaken(draw.ChannelId, seller.Url, now),
            });
        return journal.Book.Channels[draw.ChannelId];
    }

    private async Task<Refusal?> CheckVaultAsync(
        PaymentRequirements terms, Amount amount, CancellationToken cancellation)
    {
        var read = await chain.VaultAsync(options.Vault, ReadPoint.Newest, cancellation);
        if (!read.TryGet(out var found, out var refusal))
        {
            return refusal;
        }

        if (found.Value is not { } vault)
        {
            return new Refusal(Fault.Ours, ChannelOpener.VaultEmpty, $"There is no vault at {options.Vault}.");
        }

        var left = Amount.Min(vault.Balance, vault.Remaining);
        return SellerRules.CheckVault(vault, terms) ?? (left >= amount
            ? null
            : new Refusal(
                Fault.Ours, ChannelOpener.VaultEmpty,
                $"The gateway's vault {options.Vault} holds {vault.Balance} units, of which {left} may be drawn now; a "
                + $"channel takes {amount}. Its owner has to add to it."));
    }

    private static Refusal NotYet(string? why = null) => new(
        Fault.Nobody, "no_channel", "No channel to the x402 server is open yet; try again shortly."
            + (why is null ? "" : $" The last deposit: {why}"));
}
