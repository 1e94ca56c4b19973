using System.Collections.Immutable;
using Souk.Chain;
using Souk.Engines;
using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Ledger.Selling;
using Souk.Protocol;

namespace Souk.Provider.Offers;

/// <summary>An offer as it stands: the message, its hash, the model behind it and its heartbeat.</summary>
internal sealed record StandingOffer(Signed<Offer> Signed, Bytes32 Hash, ModelForSale Model, Heartbeat Heartbeat);

/// <summary>Issues this provider's offers and keeps those that are still honoured.</summary>
internal sealed class OfferDesk(
    ProviderOptions options, IMarketChain chain, Journal<ProviderBook> journal, TimeProvider time,
        Randomness randomness)
{
    private readonly SoukDomain _domain = chain.Network.SoukDomain;
    private volatile ImmutableList<StandingOffer> _standing = [];

    /// <summary>The newest offer of each model.</summary>
    public IReadOnlyList<StandingOffer> Newest => [.. _standing.GroupBy(offer => offer.Signed.Message.ModelDigest)
        .Select(group => group.MaxBy(offer => offer.Signed.Message.Sequence)!)];

    /// <summary>The model that a digest names, if it is for sale.</summary>
    public EngineModel? Model(Bytes32 digest) =>
        options.Models.FirstOrDefault(model => model.Engine.Model.Manifest.Digest == digest)?.Engine.Model;

    /// <summary>An offer that is honoured: until it expires, even when a newer one has replaced it.</summary>
    public Result<(Offer Offer, ModelForSale Model)> Honoured(Bytes32 hash, ulong nowSeconds)
    {
        if (!journal.Book.Offers.TryGetValue(hash, out var signed))
        {
            return new Refusal(Fault.Theirs, "offer_unknown",
                "This provider made no such offer; fetch its offers anew.");
        }

        if (signed.Message.Expiry <= nowSeconds)
        {
            return new Refusal(Fault.Theirs, "offer_expired",
                "The offer has expired; fetch this provider's offers anew.");
        }

        // After a change of the node key: receipts are signed with the new one, which no offer of the old one vouches
        // for.
        if (!_standing.Any(offer => offer.Hash == hash) && signed.Signer(_domain) != options.NodeKey.Address)
        {
            return new Refusal(
                Fault.Ours, "offer_expired", "The offer is by an earlier node key; fetch this provider's offers anew.");
        }

        var model = options.Models.FirstOrDefault(
            sale => sale.Engine.Model.Manifest.Digest == signed.Message.ModelDigest);
        return model is null
            ? new Refusal(Fault.Ours, "model_gone",
                "The model is no longer for sale here; fetch this provider's offers anew.")
            : (signed.Message, model);
    }

    /// <summary>
    /// Issues an offer for every model and keeps it. A heartbeat's secret lives in memory only: after a restart new
    /// offers follow at once, and the old ones simply stop beating.
    /// </summary>
    /// <param name="isWithdrawal">With concurrency 0: nothing more is sold.</param>
    public async Task IssueAsync(bool isWithdrawal = false)
    {
        var now = time.GetUtcNow();
        var nowSeconds = (ulong)now.ToUnixTimeSeconds();
        foreach (var model in options.Models)
        {
            var heartbeat = new Heartbeat(randomness.NextBytes32(), nowSeconds);
            var sequence = 1 + journal.Book.OfferSequences.GetValueOrDefault(model.Engine.Model.Manifest.Digest);
            var offer = Describe(model, sequence, nowSeconds, heartbeat.Anchor, isWithdrawal);
            var signed = Signed<Offer>.Sign(offer, options.NodeKey, _domain);
            var hash = offer.Hash(_domain);
            await journal.RecordAsync(new OfferIssued(hash, signed, (ulong)now.ToUnixTimeMilliseconds()));
            _standing = _standing
                .RemoveAll(old => old.Signed.Message.Expiry <= nowSeconds)
                .Add(new StandingOffer(signed, hash, model, heartbeat));
        }
    }

    private Offer Describe(ModelForSale sale, ulong sequence, ulong now, Bytes32 anchor, bool isWithdrawal)
    {
        var model = sale.Engine.Model;
        var network = chain.Network;
        return new Offer
        {
            Provider = options.Provider,
            ModelDigest = model.Manifest.Digest,
            WeightsRoot = model.Manifest.WeightsRoot,
            TokenizerRoot = model.Manifest.TokenizerRoot,
            TemplateRoot = model.Manifest.TemplateRoot,
            Numerics = model.Manifest.Numerics,
            PublicName = sale.PublicName ?? model.Name,
            InputPrice = sale.Prices.Input,
            CachedPrice = sale.Prices.Cached,
            OutputPrice = sale.Prices.Output,
            Context = model.Context,
            MaxOutput = model.MaxOutput,
            SliceLeast = sale.SliceLeast,
            SliceGreatest = sale.SliceGreatest,
            Features = model.Features,
            Concurrency = isWithdrawal ? 0 : sale.Concurrency,
            Region = options.Region,
            Hardware = options.Hardware,
            Engine = model.EngineName,
            Sampler = model.SamplerName ?? "",
            Counting = model.Counting,
            DataPolicy = options.DataPolicy,
            Endpoint = options.Endpoint,
            SpkiHash = options.SpkiHash() ?? Bytes32.Zero,
            Escrow = network.Escrow,
            Currency = network.Currency,
            Payout = options.Payout,
            Authorizer = options.AuthorizerKey.Address,
            WithdrawDelay = options.WithdrawDelay,
            MinimumDeposit = options.MinimumDeposit,
            Sequence = sequence,
            IssuedAt = now,
            Expiry = now + options.OfferSeconds,
            HeartbeatAnchor = anchor,
        };
    }
}
