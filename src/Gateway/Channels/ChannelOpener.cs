using Souk.Chain;
using Souk.Chain.Evm;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Market.Offers;
using Souk.Market.Vouchers;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Gateway.Channels;

/// <summary>Opens channels: a draw that the hot key signs, a deposit that the provider relays, an acceptance that it
/// signs, and the chain to confirm both.</summary>
internal sealed class ChannelOpener(
    GatewayOptions options,
    IMarketChain chain,
    Journal<CustomerBook> journal,
    NodeClient nodes,
    TimeProvider time,
    Randomness randomness)
{
    /// <summary>The code where the vault cannot pay for another channel; only its owner can remedy that.</summary>
    public const string VaultEmpty = "vault_empty";

    private const ulong DrawSeconds = 600;
    private readonly EscrowDomain _escrow = chain.Network.EscrowDomain;
    private readonly SoukDomain _vault = new(chain.Network.ChainId, options.Vault);

    /// <summary>Draws on the vault for a new channel and has the provider take it.</summary>
    public async Task<Refusal?> OpenAsync(VerifiedOffer verified, CancellationToken cancellation)
    {
        var offer = verified.Offer;
        var amount = Amount.Max(options.ChannelDeposit, offer.MinimumDeposit);
        if (await CheckVaultAsync(amount, cancellation) is { } poor)
        {
            return poor;
        }

        var config = new ChannelConfig(
            options.Vault, options.HotKey.Address, offer.Payout, offer.Authorizer, offer.Currency, offer.WithdrawDelay,
            randomness.NextBytes32());
        var id = config.Id(_escrow);
        var now = time.GetUtcNow();
        var draw = new DrawAuthorisation(
            id, amount, randomness.NextBytes32(), (ulong)now.ToUnixTimeSeconds() + DrawSeconds);
        await journal.RecordAsync(new DrawSigned(
            id, config, amount, draw.Nonce, draw.Deadline, (ulong)now.ToUnixTimeMilliseconds()));
        var data = DrawData.Encode(config, draw, draw.Sign(options.HotKey, _vault));
        return await TakeAsync(verified, config, new ChannelDeposit(amount, options.Vault, data), cancellation);
    }

    // A draw that the vault cannot honour would only cost the provider a call, and the app a riddle.
    private async Task<Refusal?> CheckVaultAsync(Amount amount, CancellationToken cancellation)
    {
        var read = await chain.VaultAsync(options.Vault, ReadPoint.Newest, cancellation);
        if (!read.TryGet(out var vault, out var refusal))
        {
            return refusal;
        }

        var held = vault.Value?.Balance ?? Amount.Zero;
        var left = Amount.Min(held, vault.Value?.Remaining ?? Amount.Zero);
        return left >= amount
            ? null
            : new Refusal(
                Fault.Ours, VaultEmpty,
                $"The gateway's vault {options.Vault} holds {held} units, of which {left} may be drawn now; a channel "
                + $"takes {amount}. Its owner has to add to it.");
    }

    /// <summary>Asks the provider for its acceptance, reads the chain itself, and only then believes in the
    /// channel.</summary>
    public async Task<Refusal?> TakeAsync(
        VerifiedOffer verified, ChannelConfig config, ChannelDeposit? deposit, CancellationToken cancellation)
    {
        if (!Peers.Target(verified.Offer).TryGet(out var target, out var refusal)
            || !(await nodes.OpenChannelAsync(target, new ChannelOpening(config, deposit), cancellation))
                .TryGet(out var acceptance, out refusal))
        {
            return refusal;
        }

        var id = config.Id(_escrow);
        if (acceptance.Message.ChannelId != id || !acceptance.IsSignedBy(verified.NodeKey, chain.Network.SoukDomain))
        {
            return new Refusal(Fault.Theirs, "acceptance_wrong",
                "The acceptance is for another channel or by another key.");
        }

        var read = await chain.ChannelsAsync([id], ReadPoint.Newest, cancellation);
        if (!read.TryGet(out var states, out refusal))
        {
            return refusal;
        }

        if (ChannelRules.CheckDeposit(states.Value[0].Balance, verified.Offer) is { } tooSmall)
        {
            return tooSmall;
        }

        return await AdoptAsync(verified.Offer.Provider, config, states.Value[0].Balance, acceptance);
    }

    private Task<Refusal?> AdoptAsync(
        Address provider, ChannelConfig config, Amount balance, Signed<Acceptance> acceptance)
    {
        var id = acceptance.Message.ChannelId;
        var now = (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();
        return journal.RecordAsync(book =>
        {
            var known = book.Channels.GetValueOrDefault(id);
            if (known is { State: not (CustomerChannelState.Unaccepted or CustomerChannelState.Idle) })
            {
                return Refuse("channel_in_use", "The channel is in use; its acceptance is renewed later.");
            }

            if (acceptance.Message.Charged != (known?.Base ?? Amount.Zero)
                || acceptance.Message.Index > (known?.Index ?? 0))
            {
                return Refuse(
                    "base_disputed",
                        "The provider states another charged total or index than the receipts held explain.");
            }

            LedgerEvent adopted = new AcceptanceAdopted(acceptance, now);
            return known is null
                ? new[] { new ChannelOpened(id, provider, config, balance, now), adopted }
                : new[] { adopted };
        });
    }

    /// <summary>Writes down money that is on the chain before anybody accepts it, so that it is taken back where nobody
    /// does.</summary>
    public Task NoteFundedAsync(Address provider, DrawSigned draw, Amount balance) => journal.RecordAsync(book =>
        book.Channels.ContainsKey(draw.ChannelId)
            ? Array.Empty<LedgerEvent>()
            : new LedgerEvent[]
            {
                new ChannelOpened(
                    draw.ChannelId, provider, draw.Config, balance, (ulong)time.GetUtcNow().ToUnixTimeMilliseconds()),
            });

    private static Refusal Refuse(string code, string message) => new(Fault.Theirs, code, message);
}
