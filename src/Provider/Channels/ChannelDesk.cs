using Souk.Chain;
using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Ledger.Selling;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Provider.Channels;

/// <summary>
/// Takes channels: relays the deposit where the customer asks for it, reads the chain, and signs an acceptance that
/// fixes the nonce chain. Asked again, it renews the chain at the index reached.
/// </summary>
internal sealed class ChannelDesk(
    ProviderOptions options,
    IMarketChain chain,
    Journal<ProviderBook> journal,
    ChainWatch watch,
    NonceChains nonces,
    DepositRelay relay,
    TimeProvider time)
{
    private const ulong RenewalMargin = 64;
    private readonly EscrowDomain _escrow = new(chain.Network.ChainId, chain.Network.Escrow);
    private readonly SoukDomain _domain = chain.Network.SoukDomain;

    /// <summary>Answers a request to take a channel.</summary>
    /// <param name="opening">The channel, and its deposit where it is to be relayed.</param>
    /// <param name="peer">Who asks, as the wire names it.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public async Task<Result<Signed<Acceptance>>> OpenAsync(
        ChannelOpening opening, string peer, CancellationToken cancellation)
    {
        var config = opening.Config;
        if ((journal.Stalled ?? Unfit(config)) is { } unfit)
        {
            return unfit;
        }

        var id = config.Id(_escrow);
        // Before gas is spent on it: the withdrawal could take the deposit as well.
        if (IsWithdrawing(id))
        {
            // It may have ended since it was seen.
            var unseen = await watch.RefreshAsync([id], cancellation, config);
            if ((unseen ?? (IsWithdrawing(id) ? Withdrawing() : null)) is { } pending)
            {
                return pending;
            }
        }

        if (opening.Deposit is { } deposit
            && (await relay.SendAsync(config, deposit, peer, cancellation)).Refusal is { } refused)
        {
            return refused;
        }

        if (await watch.RefreshAsync([id], cancellation, config) is { } unread)
        {
            return unread;
        }

        var channel = journal.Book.Channels.GetValueOrDefault(id);
        if (channel is null || (channel.Acceptance is null && channel.Deposit < options.MinimumDeposit))
        {
            return new Refusal(
                Fault.Theirs,
                "deposit_too_small",
                $"The channel holds {channel?.Deposit ?? Amount.Zero} units; this provider takes channels from "
                + $"{options.MinimumDeposit} on. Deposit more and ask again.");
        }

        if (opening.Receipt is { } receipt)
        {
            await RememberAsync(id, receipt);
        }

        return await AcceptAsync(id);
    }

    /// <summary>Why nothing is promised on a channel of which this ledger has lost rows.</summary>
    public static Refusal Behind(ProviderChannel channel) => new(
        Fault.Ours, "books_behind",
        $"This provider has lost records of the channel: it remembers {channel.Base} charged, and the chain shows "
            + $"{channel.Claimed} claimed. Ask for its acceptance with the last receipt.");

    // A receipt is this provider's own word. One that says more than the ledger is a row that was lost.
    private Task<Refusal?> RememberAsync(Bytes32 id, Signed<Receipt> signed) => journal.RecordAsync(book =>
    {
        var (channel, receipt) = (book.Channels[id], signed.Message);
        var isNews = receipt.Cumulative > channel.Base || (channel.IsInDoubt && receipt.Cumulative == channel.Base);
        if (receipt.ChannelId != id || !isNews || channel.Request is not null
            || !signed.IsSignedBy(options.NodeKey.Address, _domain))
        {
            return Array.Empty<LedgerEvent>();
        }

        return new LedgerEvent[]
        {
            new ProviderChannelMended(
                id, receipt.Cumulative, Math.Max(channel.Index, receipt.Index), null, signed,
                (ulong)time.GetUtcNow().ToUnixTimeMilliseconds()),
        };
    });

    private bool IsWithdrawing(Bytes32 id) =>
        journal.Book.Channels.GetValueOrDefault(id) is { IsWithdrawing: true };

    private static Refusal Withdrawing() =>
        Theirs("channel_withdrawing", "A withdrawal is pending on this channel; open another one.");

    private Refusal? Unfit(ChannelConfig config)
    {
        if (config.Receiver != options.Payout || config.ReceiverAuthorizer != options.AuthorizerKey.Address)
        {
            return Theirs("channel_not_ours",
                "The channel's receiver or its authorizer is not the one in this provider's offers.");
        }

        if (config.Token != chain.Network.Currency)
        {
            return Theirs("wrong_currency", $"The channel is in another currency than {chain.Network.Currency}.");
        }

        return config.WithdrawDelay < options.WithdrawDelay
            ? Theirs("withdraw_delay_too_short",
                $"The channel's withdraw delay is below {options.WithdrawDelay} seconds.")
            : null;
    }

    private async Task<Result<Signed<Acceptance>>> AcceptAsync(Bytes32 id)
    {
        var now = time.GetUtcNow();
        return await journal.RecordAsync<Signed<Acceptance>>(book =>
        {
            var channel = book.Channels[id];
            if (channel.Request is not null)
            {
                return Theirs("channel_busy", "A request is under way on this channel; ask again when it has ended.");
            }

            if (channel.IsWithdrawing)
            {
                return Withdrawing();
            }

            // Where nothing is known to have been charged there may be no receipt: the first one may be lost, and then
            // the customer, who has it, has sent it.
            if (channel.IsBehind && !(channel.Base.IsZero && channel.Claimed.IsZero))
            {
                return Behind(channel);
            }

            var start = channel.Acceptance is { } held && HasRoom(held, channel) ? held.Index : channel.Index;
            var acceptance = new Acceptance(
                id, channel.Base, start, nonces.Of(id, start).Anchor, (ulong)now.ToUnixTimeSeconds());
            var signed = Signed<Acceptance>.Sign(acceptance, options.NodeKey, _domain);
            LedgerEvent[] events = start == channel.Acceptance?.Index && !channel.IsInDoubt
                ? []
                : [new AcceptanceSigned(signed, (ulong)now.ToUnixTimeMilliseconds())];
            return (events, signed);
        });
    }

    // A channel's configuration is on the chain for all to see, so anybody can ask. Until the nonce chain is nearly
    // spent the answer is that chain again: otherwise a stranger could make this provider open nonces that the customer
    // does not know. "Nearly", because indices that the customer spent on requests that never arrived are unknown here.
    private static bool HasRoom(Acceptance held, ProviderChannel channel) =>
        channel.Index + RenewalMargin - held.Index < NonceChain.DefaultLength;

    private static Refusal Theirs(string code, string message) => new(Fault.Theirs, code, message);
}
