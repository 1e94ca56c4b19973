using Souk.Chain;
using Souk.Engines;
using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Ledger.Selling;
using Souk.Market.Vouchers;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Completions;
using Souk.OpenAi.Embeddings;
using Souk.OpenAi.Errors;
using Souk.Protocol;
using Souk.Provider.Channels;
using Souk.Provider.Claims;
using Souk.Provider.Offers;
using Souk.Wire.Paid;

namespace Souk.Provider.Requests;

/// <summary>
/// Decides whether a paid request is served. Everything is checked locally, without asking the chain, and the voucher
/// is durable before anything of the work leaves.
/// </summary>
internal sealed class Admission(
    ProviderOptions options,
    IMarketChain chain,
    Journal<ProviderBook> journal,
    ChainWatch watch,
    OfferDesk offers,
    NonceChains nonces,
    TimeProvider time)
{
    private const int MostRefused = 10_000;
    private readonly EscrowDomain _escrow = new(chain.Network.ChainId, chain.Network.Escrow);
    private readonly PromptsSeen _seen = new();
    private readonly HashSet<RequestId> _refused = [];
    private readonly Queue<RequestId> _refusedInOrder = new();
    private readonly ChainTiming _timing = new(chain.Network.BlockTime, chain.Network.MaxHeadAge);

    /// <summary>What the provider sees of chain and time now.</summary>
    public SellerView View()
    {
        var now = time.GetUtcNow();
        return new SellerView(
            _escrow, _timing, watch.Newest.Timestamp, (ulong)now.ToUnixTimeSeconds(),
            ClaimTiming.MarginSeconds(journal.Book, chain.Network, (ulong)now.ToUnixTimeMilliseconds()));
    }

    /// <summary>A channel as the rules of vouchers see it.</summary>
    public static SellerChannel Seen(ProviderChannel channel) => new(
        channel.Id, channel.Deposit, channel.ConfirmedDeposit, channel.IsWithdrawing, channel.Base, channel.Ceiling,
        channel.Index, channel.Acceptance?.Index, channel.Request is not null || channel.Refunding is not null);

    /// <summary>Judges a request and, where it is served, begins to write down its voucher and its admission;
    /// <see cref="Admitted.Accepted"/> tells when they are durable. One that was refused is refused for good: its
    /// customer was told that nothing is charged, and goes on.</summary>
    public Result<(Admitted Admitted, CoverGate Cover)> Admit(PaidRequest paid, ReadOnlyMemory<byte> body)
    {
        var result = Decide(paid, body);
        if (result.Refusal is not null)
        {
            NoteRefused(paid);
        }

        return result;
    }

    private Result<(Admitted Admitted, CoverGate Cover)> Decide(PaidRequest paid, ReadOnlyMemory<byte> body)
    {
        var view = View();
        if (!offers.Honoured(paid.OfferHash, view.Now).TryGet(out var found, out var refusal))
        {
            return refusal;
        }

        if (paid.Continuation is not null)
        {
            return Theirs("continuation_unsupported",
                "This provider does not continue answers that another one began.");
        }

        // Whoever cannot pay costs no more than this: a body is read and tokenised only for a channel's own customer.
        var attempt = new PaidAttempt(paid.Voucher, paid.Channel, paid.Index, 0, 0);
        var channelId = paid.Channel.Id(_escrow);
        if (Judge(journal.Book, view, found.Offer, paid.Id, channelId, attempt).Refusal is { } unpaid)
        {
            return unpaid;
        }

        var parsed = Read(paid.Path, body);
        if (!parsed.IsOk)
        {
            return Theirs(parsed.Error.Code ?? "invalid_request", parsed.Error.Message);
        }

        return CountPrompt(found.Model, parsed.Value).TryGet(out var ids, out refusal)
            ? Admit(paid, body, new Priced(found.Offer, paid.OfferHash, found.Model, parsed.Value, ids), view)
            : refusal;
    }

    /// <summary>
    /// The same for a plain x402 client, whose one voucher promises what was charged and the price that it was told.
    /// Its request takes the channel's next index. Completes when the admission is durable, since the reply begins with
    /// what the books say.
    /// </summary>
    public async Task<Result<(Admitted Admitted, CoverGate Cover)>> AdmitPlainAsync(
        PaidRequest paid, ReadOnlyMemory<byte> body, Priced priced, Bytes32 nonce)
    {
        var result = Admit(paid, body, priced, View(), nonce);
        if (result.IsOk)
        {
            await result.Value.Admitted.Accepted;
        }

        return result;
    }

    private static ParseResult<ChatRequest> Read(string path, ReadOnlyMemory<byte> body)
    {
        if (path == NodePaths.ChatCompletions)
        {
            return ChatRequest.Parse(body);
        }

        if (path == NodePaths.Embeddings)
        {
            return EmbeddingInputs.Parse(body);
        }

        var completion = CompletionRequest.Parse(body);
        if (!completion.IsOk)
        {
            return completion.Error;
        }

        // The customer has the prompt's text, so it is never sent back; only what the model says of it is.
        return completion.Value is { Echo: true, Chat.PromptLogprobs: false }
            ? OpenAiError.InvalidRequest("echo without logprobs is the customer's own to do.", "echo")
            : completion.Value.Chat;
    }

    private Result<(Admitted Admitted, CoverGate Cover)> Admit(
        PaidRequest paid, ReadOnlyMemory<byte> body, Priced priced, SellerView view, Bytes32? plain = null)
    {
        var (offer, chat) = (priced.Offer, priced.Chat);
        var (prompt, output) = (priced.PromptTokens(body.Length), priced.OutputTokens(body.Length));
        var channelId = paid.Channel.Id(_escrow);
        var commitment = Commitments.Request(paid.Salt.ToBytes(), body.Span);
        var sampling = RequestSampling.Of(chat);
        if (sampling.Flaw() is { } flaw)
        {
            return flaw;
        }

        var result = journal.Decide<(Admitted Admitted, CoverGate Cover)>(book =>
        {
            // A gateway's voucher was judged before its body was read.
            var attempt = new PaidAttempt(paid.Voucher, paid.Channel, plain is null ? paid.Index : null, prompt, output)
            {
                IsAuthentic = plain is null,
            };
            if (!Judge(book, view, offer, paid.Id, channelId, attempt).TryGet(out var judged, out var refused))
            {
                return refused;
            }

            var (channel, cover) = judged;
            var numbered = plain is null ? paid : paid with { Index = channel.Index + 1 };
            if (CheckExposure(book, channel, cover) is { } exposed)
            {
                return exposed;
            }

            var nonce = plain ?? nonces.Of(channelId, channel.Acceptance!.Index)
                .Nonce(NoncePosition.Of(channel.Acceptance.Index, paid.Index)!.Value);
            var now = (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();
            var (source, key) = Key(numbered, chat, channelId, commitment, nonce, plain is not null);
            var admitted = new Admitted(
                numbered, channelId, offer, priced.Sale, chat, body, priced.Prompts, commitment, nonce, source, key,
                sampling, channel.Base, output, now);
            var request = new RequestAdmitted(
                paid.Id, channelId, numbered.Index, paid.OfferHash, offer.ModelDigest, commitment, paid.GatewayNonce,
                nonce, source, sampling, now);
            // A plain client's voucher can be below one that is held already, which then covers the request as well.
            LedgerEvent[] events = channel.Highest is not null && paid.Voucher.MaxClaimable < channel.Ceiling
                ? [request]
                : [new VoucherAccepted(paid.Voucher, paid.Id, 0, now), request];
            var gate = new CoverGate(offer.Prices, channel.Base, cover.Usable, prompt, options.CoverWait, time);
            return (events, (admitted, gate));
        });
        if (!result.TryGet(out var done, out var refusal))
        {
            return refusal;
        }

        var mostCached = _seen.Add(paid.Channel.PayerAuthorizer, prompt);
        return (done.Value.Admitted with { Accepted = done.Durable, MostCached = mostCached }, done.Value.Cover);
    }

    private Result<(ProviderChannel Channel, Cover Cover)> Judge(
        ProviderBook book, SellerView view, Offer offer, RequestId id, Bytes32 channelId, PaidAttempt attempt)
    {
        if (book.Requests.ContainsKey(id) || WasRefused(id))
        {
            return Theirs("request_repeated", "This request id was used before; ask for its record instead.");
        }

        if (book.Channels.GetValueOrDefault(channelId) is not { } channel)
        {
            return Theirs(
                "channel_unknown",
                "This provider does not know the channel. Check chain id and escrow, and open it before use.");
        }

        if (journal.Stalled is { } stalled)
        {
            return stalled;
        }

        // A plain client cannot show its last receipt. It goes on from what it and the chain know, and what was lost
        // besides is forfeited, as its scheme has it.
        if (attempt.Index is null ? channel.Claimed > channel.Base : channel.IsBehind)
        {
            return ChannelDesk.Behind(channel);
        }

        return VoucherRules.Accept(view, offer, Seen(channel), attempt).TryGet(out var cover, out var refused)
            ? (channel, cover)
            : refused;
    }

    // Only what the channel's customer signed: a stranger could crowd the others out. In memory, because a copy of a
    // request comes soon or never.
    private void NoteRefused(PaidRequest paid)
    {
        var id = paid.Channel.Id(_escrow);
        if (journal.Book.Requests.ContainsKey(paid.Id) || paid.Voucher.ChannelId != id
            || !journal.Book.Channels.TryGetValue(id, out var channel)
            || paid.Voucher.Signer(_escrow) != channel.Config.PayerAuthorizer)
        {
            return;
        }

        lock (_refused)
        {
            if (_refused.Add(paid.Id))
            {
                _refusedInOrder.Enqueue(paid.Id);
            }

            if (_refusedInOrder.Count > MostRefused)
            {
                _refused.Remove(_refusedInOrder.Dequeue());
            }
        }
    }

    private bool WasRefused(RequestId id)
    {
        lock (_refused)
        {
            return _refused.Contains(id);
        }
    }

    /// <summary>What all channels together owe and promise for running work, can still pay, and is not claimed
    /// yet.</summary>
    public static Amount Exposure(ProviderBook book) =>
        book.Channels.Values.Aggregate(Amount.Zero, (sum, channel) => sum + AtRisk(channel, Promised(channel)));

    /// <summary>Whether work may be done up to a channel's new cover. Null where it may.</summary>
    public Refusal? CheckExposure(ProviderBook book, ProviderChannel channel, Souk.Market.Vouchers.Cover cover)
    {
        var others = Exposure(book) - AtRisk(channel, Promised(channel));
        return others + AtRisk(channel, cover.Usable) <= options.MostUnclaimed
            ? null
            : new Refusal(
                Fault.Ours, "exposure_reached",
                "This provider waits for its claims to be mined; try again or elsewhere.");
    }

    private static Amount Promised(ProviderChannel channel) =>
        channel.Request is null ? channel.Collectible : channel.Ceiling;

    private static Amount AtRisk(ProviderChannel channel, Amount worked) =>
        Amount.SubtractToZero(Amount.Min(worked, channel.Deposit), channel.Claimed);

    /// <summary>The prompts as ids; null where only the upstream counts.</summary>
    public static Result<int[][]?> CountPrompt(ModelForSale sale, ChatRequest chat)
    {
        try
        {
            return chat.Embedding is { } inputs ? sale.Engine.EncodeInputs(inputs)
                : sale.Engine.EncodePrompt(chat) is { } ids ? new int[][] { ids }
                : null;
        }
        catch (EngineException refused)
        {
            return refused.ToRefusal();
        }
    }

    private static (string Source, SamplingKey Key) Key(
        PaidRequest paid, ChatRequest chat, Bytes32 channelId, Bytes32 commitment, Bytes32 nonce, bool isPlain) =>
        chat.Seed is { } seed
            ? (KeySources.AppSeed, SamplingKey.FromSeed(seed))
            : (isPlain ? KeySources.Provider : KeySources.TwoParty, SamplingKey.TwoParty(
                channelId, paid.Id, paid.Index, commitment, paid.GatewayNonce, nonce));

    private static Refusal Theirs(string code, string message) => new(Fault.Theirs, code, message);
}
