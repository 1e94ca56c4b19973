using System.Collections.Concurrent;
using Souk.Chain;
using Souk.Engines;
using Souk.Gateway.Channels;
using Souk.Gateway.Keys;
using Souk.Gateway.Offers;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Market.Budgets;
using Souk.Market.Offers;
using Souk.Market.Picking;
using Souk.Market.Pricing;
using Souk.Market.Vouchers;
using Souk.OpenAi.Chat;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Gateway.Chat;

/// <summary>
/// Turns an app's request into a paid call: resolves the model, counts the prompt, picks an offer, and in one durable
/// step reserves the budget, takes an idle channel and signs the voucher.
/// </summary>
internal sealed class CallDesk(
    GatewayOptions options,
    IMarketChain chain,
    Journal<CustomerBook> journal,
    MarketView market,
    Catalogue catalogue,
    PromptCounter prompts,
    ChannelPlanner planner,
    ChannelProof proof,
    TrafficRecord traffic,
    TimeProvider time,
    Randomness randomness)
{
    private const string NoChannel = ChannelHandout.NoChannel;
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);
    private readonly EscrowDomain _escrow = chain.Network.EscrowDomain;
    private readonly ChannelHandout _handout = new(options.HotKey, chain.Network.EscrowDomain, options.Caps);
    private readonly ConcurrentDictionary<Bytes32, DateTimeOffset> _resting = [];

    /// <summary>A provider refused this channel for a reason that passes with the next blocks; others are taken until
    /// then.
    /// </summary>
    public void Rest(Bytes32 channel) => _resting[channel] =
        time.GetUtcNow() + TimeSpan.FromSeconds(Math.Max(1, chain.Network.BlockTime * chain.Network.Confirmations));

    /// <summary>The provider has lost records of this channel; it is used again once both agree.</summary>
    public void Doubt(Bytes32 channel) => proof.Doubt(channel);

    /// <summary>Prepares a call; a refusal moved no money.</summary>
    public async Task<Result<PaidCall>> PrepareAsync(
        ChatRequest chat, Caller caller, RequestId appRequest, CancellationToken cancellation)
    {
        if (catalogue.Resolve(chat.Model) is not { } named)
        {
            return NoModel(chat);
        }

        if (chat is { MaxTokens: 0, Prompt: null, Embedding: null })
        {
            return new Refusal(
                Fault.Theirs, "invalid_max_tokens", "The limit on output tokens of a chat is at least 1.");
        }

        var deadline = time.GetUtcNow() + options.ChannelWait;
        while (true)
        {
            var ready = planner.Ready;
            var result = await TryAsync(chat, caller, appRequest, named, cancellation);
            if (result.IsOk || result.Refusal!.Code != NoChannel || time.GetUtcNow() >= deadline)
            {
                return result;
            }

            var left = deadline - time.GetUtcNow();
            // Timers count whole milliseconds: a shorter wait would be none.
            var wait = TimeSpan.FromMilliseconds(Math.Clamp(left.TotalMilliseconds, 1, LookAgain.TotalMilliseconds));
            await ready.WaitAsync(wait, time, cancellation).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <summary>
    /// Counts a prompt as it would be billed, with the tokenizer of an offer. Free, since nobody is asked to work.
    /// </summary>
    public async Task<Result<ulong>> CountAsync(ChatRequest chat, Caller caller, CancellationToken cancellation)
    {
        if (catalogue.Resolve(chat.Model) is not { } named)
        {
            return NoModel(chat);
        }

        var nowMs = (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();
        if (ApiKeyRules.CheckModel(KeyStanding.Of(caller.Key, nowMs)!, named.Name) is { } barred)
        {
            return barred;
        }

        var counting = named.Digests.SelectMany(market.Book.For)
            .Where(listed => listed.IsLive(nowMs / 1000) && listed.Offer.Counting == CountingKinds.Ids
                && (named.Provider ?? listed.Offer.Provider) == listed.Offer.Provider && Serves(listed.Offer, chat))
            .ToList();
        if (counting.Count == 0)
        {
            return new Refusal(
                Fault.Ours, "count_unavailable",
                $"Nobody who offers the model '{chat.Model}' now lets its tokens be counted beforehand.");
        }

        return (await prompts.CountAsync(chat, counting, cancellation)).TryGet(out var prompt, out var refusal)
            && (refusal = prompt.Unfit) is null
            ? prompt.Tokens
            : refusal!;
    }

    private static Refusal NoModel(ChatRequest chat) => new(
        Fault.Theirs, "model_not_found",
        $"The model '{chat.Model}' does not exist; GET /v1/models lists those that do.");

    private async Task<Result<PaidCall>> TryAsync(
        ChatRequest chat, Caller caller, RequestId appRequest, NamedModel named, CancellationToken cancellation)
    {
        var nowMs = (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();
        var now = nowMs / 1000;
        var key = KeyStanding.Of(journal.Book.ApiKeys.GetValueOrDefault(caller.Key.KeyHash), nowMs);
        if ((ApiKeyRules.CheckUse(key, now) ?? ApiKeyRules.CheckModel(key!, named.Name)) is { } barred)
        {
            return barred;
        }

        var offered = named.Digests.SelectMany(market.Book.For)
            .Where(listed => listed.IsLive(now) && (named.Provider ?? listed.Offer.Provider) == listed.Offer.Provider)
                .ToList();
        var live = offered.FindAll(listed => Serves(listed.Offer, chat));
        if (live.Count == 0)
        {
            return offered.Count > 0 ? Unfit(chat) : NoProvider(chat);
        }

        var (candidates, why) = await RankAsync(chat, key!, appRequest, named, live, now, cancellation);
        if (candidates.Count == 0)
        {
            return why!.Code == "insufficient_funds" && key!.IsBoundByDay
                ? why with { Message = $"{why.Message} {ApiKeyRules.Tomorrow}" }
                : why;
        }

        var (best, counted) = candidates.MinBy(pair => pair.Candidate.Score);
        // The longest answer is seldom meant where the app set no limit: then one usual slice is taken for a start.
        var (output, isGuess) = chat.MaxTokens is null
            ? (Math.Min(best.Worst.OutputTokens, SlicePlan.DefaultSliceTokens), true)
            : (best.Worst.OutputTokens, false);
        return caller.TakeTokens(counted.Tokens, output, isGuess) is { } limited
            ? limited
            : await ReserveAsync(chat, named, caller, appRequest, best, counted);
    }

    // The offers that fit, each with the prompt as its tokenizer counts it; where there is none, why.
    private async Task<(List<(Candidate Candidate, CountedPrompt Prompt)> Fitting, Refusal? Why)> RankAsync(
        ChatRequest chat, ApiKeyStanding key, RequestId appRequest, NamedModel named, List<ListedOffer> live,
        ulong now, CancellationToken cancellation)
    {
        var free = journal.Book.Channels.Values
            .Where(channel => live.Exists(listed => listed.Offer.Provider == channel.Provider))
            .Select(channel => channel.Free).DefaultIfEmpty(Amount.Zero).Max();
        List<(Candidate Candidate, CountedPrompt Prompt)> candidates = [];
        List<Refusal> passedOver = [];
        List<Refusal> unfits = [];
        // Models of one name may have tokenizers of their own, so each is counted and ranked by itself.
        foreach (var group in live.GroupBy(listed => (listed.Offer.ModelDigest, listed.Offer.Counting)))
        {
            if (!(await prompts.CountAsync(chat, [.. group], cancellation)).TryGet(out var prompt, out var refusal))
            {
                passedOver.Add(refusal);
                continue;
            }

            if (prompt.Unfit is { } unfit)
            {
                unfits.Add(unfit);
                continue;
            }

            var needs = new Requirements
            {
                Models = [group.Key.ModelDigest],
                Provider = named.Provider,
                PromptTokens = prompt.Tokens,
                // Inputs to embed need not fit the context together; each is held against it below.
                IsBound = prompt.Inputs is null || chat.Embedding is not null,
                Choices = (ulong)chat.Choices,
                AppLimit = (ulong?)chat.MaxTokens,
                // What a channel can hold counts, not what is idle at the moment: for more, one is opened.
                Available = Amount.Min(key.Available, Amount.Max(free, options.ChannelDeposit)),
                Features = [.. EngineFeatures.NeededBy(chat)],
                LeastTier = options.LeastTier,
                PriceCap = key.PriceCap,
            };
            var ranking = Matching.Rank(
                needs, market.Book, now, traffic.Measured,
                (listed, worst) => listed.Offer.Counting != group.Key.Counting
                    ? new Refusal(Fault.Nobody, "counted_otherwise", "It counts tokens in another way.")
                    : prompt.CheckInputs(chat, listed.Offer) ?? Usable(listed, worst, appRequest));
            candidates.AddRange(ranking.Candidates.Select(candidate => (candidate, prompt)));
            passedOver.AddRange(ranking.PassedOver.Select(passed => passed.Why));
        }

        return (candidates, candidates.Count == 0 ? Explain(passedOver, unfits, chat) : null);
    }

    // An offer of embeddings serves nothing else, and no other offer serves them.
    private static bool Serves(Offer offer, ChatRequest chat) =>
        offer.Features.Contains(EngineFeatures.Embeddings) == chat.Embedding is not null;

    private static Refusal Unfit(ChatRequest chat) => new(
        Fault.Theirs, "model_not_supported", chat.Embedding is null
            ? $"The model '{chat.Model}' makes embeddings and no text; send it to /v1/embeddings, or ask another model."
            : $"The model '{chat.Model}' makes text and no embeddings; ask for a model that makes them.");

    private Refusal? Usable(ListedOffer listed, WorstCase worst, RequestId appRequest)
    {
        var isThere = journal.Book.Channels.Values.Any(
            channel => ChannelHandout.HasRoom(channel, worst.Cost) && IsUsable(channel, listed.Offer));
        if (isThere)
        {
            return null;
        }

        planner.Want(listed.Offer.Provider, appRequest);
        return planner.Obstacle(listed.Offer.Provider) switch
        {
            { Code: ChannelOpener.VaultEmpty } empty => empty,
            { } why => new Refusal(
                Fault.Nobody, NoChannel,
                    $"No channel to the provider is idle and full enough. The last one was not opened: {why.Message}"),
            null => new Refusal(
                Fault.Nobody, NoChannel, "No channel to the provider is idle and full enough; one is being opened."),
        };
    }

    private bool IsUsable(CustomerChannel channel, Offer offer) =>
        channel.Provider == offer.Provider
        && (!_resting.TryGetValue(channel.Id, out var until) || until <= time.GetUtcNow())
        && ChannelRules.Check(channel.Config, channel.Id, offer, _escrow) is null;

    private static Refusal Explain(List<Refusal> passedOver, List<Refusal> unfits, ChatRequest chat)
    {
        // What the app can change comes first, then what time may change.
        string[] order =
        [
            "insufficient_funds", "context_length_exceeded", "invalid_max_tokens", "invalid_choices", "feature_missing",
            NoChannel, "provider_full", ChannelOpener.VaultEmpty, "price_above_cap",
        ];
        // Any other reason is between the gateway and its market, and nothing that an app could act on.
        return passedOver
            .Where(why => order.Contains(why.Code) || why.Fault == Fault.Theirs)
            .OrderBy(why => Array.IndexOf(order, why.Code) is var at && at < 0 ? order.Length : at)
            .FirstOrDefault()
            ?? unfits.FirstOrDefault()
            ?? NoProvider(chat);
    }

    private static Refusal NoProvider(ChatRequest chat) => new(
        Fault.Nobody, "no_provider", $"Nobody offers the model '{chat.Model}' at the moment; try again shortly.");

    private async Task<Result<PaidCall>> ReserveAsync(
        ChatRequest chat, NamedModel named, Caller caller, RequestId appRequest, Candidate candidate,
        CountedPrompt prompt)
    {
        var keyHash = caller.Key.KeyHash;
        var verified = candidate.Listed.Verified;
        var (offer, worst) = (verified.Offer, candidate.Worst);
        if (!Peers.Target(offer).TryGet(out var target, out var refusal))
        {
            return refusal;
        }

        var body = chat.ToProviderBody(offer.ModelDigest.ToString(), (int)worst.TokensPerChoice);
        var salt = Salt.Next(randomness);
        var (id, nonce) = (randomness.NextRequestId(), randomness.NextBytes32());
        var commitment = Commitments.Request(salt.ToBytes(), body);
        var promptCommitment = prompt.Inputs is { } ids ? Commitments.Prompt(salt.ToBytes(), ids) : (Bytes32?)null;
        var promptTokens = prompt.Inputs is null ? UncountedWork.MostInput(body.Length) : prompt.Tokens;
        var slice = SlicePlan.TokensFor(
            options.SliceTokens, (ulong)offer.SliceLeast, (ulong)offer.SliceGreatest, worst.OutputTokens);
        var nowMs = (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();
        var taking = new Taking(
            keyHash, appRequest, id, worst.Cost, offer.Prices, promptTokens, slice, worst.OutputTokens, nowMs);
        return await journal.RecordAsync<PaidCall>(book =>
        {
            if (!_handout.Decide(book, taking, channel => IsUsable(channel, offer) && proof.IsProved(channel))
                .TryGet(out var handed, out var refused))
            {
                return refused;
            }

            var (reserved, channel, plan, issued) = handed;
            var paid = new PaidRequest(id, verified.Hash, issued.Index, nonce, salt, channel.Config, issued.Voucher)
            {
                Path = PathOf(chat),
                Gather = chat.Stream || chat.Embedding is not null ? 0 : plan.Gather,
            };
            List<LedgerEvent> events = [reserved, .. caller.Naming(appRequest, nowMs)];
            if (!book.Offers.ContainsKey(verified.Hash))
            {
                events.Add(new OfferUsed(verified.Hash, verified.Original, nowMs));
            }

            events.Add(issued);
            events.Add(new RequestSent(
                id, appRequest, channel.Id, issued.Index, verified.Hash, nonce,
                salt.ToString(), commitment, promptCommitment,
                promptTokens, worst.OutputTokens, PaidStream.KeySourceOf(chat), nowMs, named.Name));
            var call = new PaidCall(
                appRequest, keyHash, worst.Cost, chat, verified, target, paid, channel.Id, body, plan,
                    prompt.Encoder,
                promptCommitment, channel.KnownNonce, channel.KnownIndex);
            return (events.ToArray(), call);
        });
    }

    private static string PathOf(ChatRequest chat) =>
        chat.Embedding is not null ? NodePaths.Embeddings
        : chat.Prompt is not null ? NodePaths.Completions
        : NodePaths.ChatCompletions;
}
