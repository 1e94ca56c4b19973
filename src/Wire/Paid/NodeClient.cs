using Souk.OpenAi.Streaming;
using Souk.Protocol;

namespace Souk.Wire.Paid;

/// <summary>What happened to a raise.</summary>
/// <param name="IsTaken">Whether the provider took the voucher.</param>
/// <param name="Receipt">The receipt of an answer that had already ended, where the voucher came too late.</param>
public sealed record RaiseOutcome(bool IsTaken, Signed<Receipt>? Receipt);

/// <summary>
/// Speaks the node protocol over any transport. Whatever a peer does comes back as a value with the fault in it; only
/// cancellation throws.
/// </summary>
public sealed class NodeClient(IWireClient wire, TimeProvider time)
{
    private const int MostModelFileBytes = 64 << 20;
    private const int MostManifestBytes = 2 << 20;

    /// <summary>How long a call that streams nothing may take in all.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a provider may take to open a channel: it may have to mine a deposit first.</summary>
    public TimeSpan OpenTimeout { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>Bounds of a paid stream.</summary>
    public SseLimits StreamLimits { get; init; } = SseLimits.Default;

    /// <summary>Opens a channel with a provider, or renews its nonce chain.</summary>
    public Task<Result<Signed<Acceptance>>> OpenChannelAsync(
        PeerTarget provider, ChannelOpening opening, CancellationToken cancellation) =>
        CallAsync(
            provider,
            WireRequest.Json("POST", NodePaths.Channels, opening.ToJson()),
            ChannelOpening.MostBytes,
            body => SoukJson.Parse<Signed<Acceptance>>(body.Span),
            OpenTimeout,
            cancellation);

    /// <summary>
    /// Sends a paid request. A reply, even one that refuses, is a value with headers and perhaps a receipt; a refusal
    /// means that no usable reply came. The caller disposes the reply.
    /// </summary>
    public async Task<Result<PaidReply>> SendPaidAsync(
        PeerTarget provider, PaidRequest request, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        var message = WireRequest.Json("POST", request.Path, body);
        request.WriteTo(message.Headers);
        WireReply? reply = null;
        try
        {
            reply = await wire.SendAsync(provider, message, cancellation);
            var paid = await PaidReply.ReadHeadAsync(reply, StreamLimits, cancellation);
            reply = paid.IsOk ? null : reply;
            return paid;
        }
        catch (WireException e)
        {
            return e.ToRefusal();
        }
        finally
        {
            if (reply is not null)
            {
                await reply.DisposeAsync();
            }
        }
    }

    /// <summary>Raises a running request's ceiling.</summary>
    public Task<Result<RaiseOutcome>> RaiseAsync(
        PeerTarget provider, RequestId id, VoucherRaise raise, CancellationToken cancellation)
    {
        var request = WireRequest.Json("PUT", NodePaths.RequestVoucher(id), raise.ToJson());
        return ExchangeAsync(provider, request, CallTimeout, ReadRaiseAsync, cancellation);
    }

    /// <summary>Cancels a request; null when the provider has heard. The receipt still comes on the stream.</summary>
    public async Task<Refusal?> CancelAsync(PeerTarget provider, RequestId id, CancellationToken cancellation)
    {
        var request = new WireRequest("DELETE", NodePaths.Request(id), "", [], default, "");
        var heard = await CallAsync<RequestId>(
            provider, request, WireError.MostBytes, _ => id, CallTimeout, cancellation);
        return heard.Refusal;
    }

    /// <summary>Asks what became of a request.</summary>
    public Task<Result<RequestRecord>> GetRequestAsync(
        PeerTarget provider, RequestId id, CancellationToken cancellation) =>
        CallAsync(
            provider,
            WireRequest.Get(NodePaths.Request(id)),
            RequestRecord.MostBytes,
            body =>
            {
                var record = RequestRecord.Parse(body);
                return record.IsOk && record.Value.Id != id
                    ? WireError.Malformed("request record", "is of another request")
                    : record;
            },
            CallTimeout,
            cancellation);

    /// <summary>One page of a provider's or an indexer's offers, of one model or of all.</summary>
    public Task<Result<OfferList>> GetOffersAsync(
        PeerTarget peer, Bytes32? model, string? after, CancellationToken cancellation)
    {
        string?[] query =
        [
            model is null ? null : $"model={model}",
            after is null ? null : $"after={Uri.EscapeDataString(after)}",
        ];
        var request = WireRequest.Get(NodePaths.Offers, string.Join('&', query.Where(q => q is not null)));
        return CallAsync(peer, request, OfferList.MostBytes, OfferList.Parse, CallTimeout, cancellation);
    }

    /// <summary>The newest heartbeats that a provider or an indexer knows.</summary>
    public Task<Result<HeartbeatList>> GetHeartbeatsAsync(PeerTarget peer, CancellationToken cancellation) =>
        CallAsync(
            peer, WireRequest.Get(NodePaths.Heartbeats), HeartbeatList.MostBytes, HeartbeatList.Parse, CallTimeout,
            cancellation);

    /// <summary>
    /// A public file of a model. The caller checks it against the manifest, and the manifest against the digest.
    /// </summary>
    public Task<Result<ReadOnlyMemory<byte>>> GetModelFileAsync(
        PeerTarget provider, Bytes32 digest, string name, int maxBytes, CancellationToken cancellation) =>
        CallAsync<ReadOnlyMemory<byte>>(
            provider,
            WireRequest.Get(NodePaths.ModelFile(digest, name)),
            Math.Min(maxBytes, MostModelFileBytes),
            body => body,
            CallTimeout,
            cancellation);

    /// <summary>The manifest of a model; it hashes to the digest that was asked for.</summary>
    public Task<Result<ModelManifest>> GetModelManifestAsync(
        PeerTarget provider, Bytes32 digest, CancellationToken cancellation) =>
        CallAsync(
            provider,
            WireRequest.Get(NodePaths.ModelManifest(digest)),
            MostManifestBytes,
            body =>
            {
                var manifest = SoukJson.Parse<ModelManifest>(body.Span, MostManifestBytes);
                return manifest.IsOk && manifest.Value.Digest != digest
                    ? WireError.Malformed("manifest", "has another digest than the model")
                    : manifest;
            },
            CallTimeout,
            cancellation);

    /// <summary>Announces offers to an indexer.</summary>
    public Task<Result<AnnounceReply>> AnnounceAsync(
        PeerTarget indexer, IReadOnlyList<Signed<Offer>> offers, CancellationToken cancellation) =>
        CallAsync(
            indexer,
            WireRequest.Json("POST", NodePaths.Offers, new OfferList(offers).ToJson()),
            AnnounceReply.MostBytes,
            AnnounceReply.Parse,
            CallTimeout,
            cancellation);

    /// <summary>Hands claims to a watchtower; the answer says what it holds durably.</summary>
    public Task<Result<GuardReply>> GuardAsync(
        PeerTarget tower, GuardRequest request, CancellationToken cancellation) =>
        CallAsync(
            tower,
            WireRequest.Json("PUT", NodePaths.Claims, request.ToJson()),
            GuardReply.MostBytes,
            GuardReply.Parse,
            CallTimeout,
            cancellation);

    private static async Task<Result<RaiseOutcome>> ReadRaiseAsync(WireReply reply, CancellationToken cancellation)
    {
        if (reply.Status is >= 200 and < 300)
        {
            await reply.ReadAllAsync(WireError.MostBytes, cancellation);
            return new RaiseOutcome(true, null);
        }

        if (reply.Status == 409 && ReceiptText.FromHeaders(reply.Headers) is { } receipt)
        {
            return receipt.TryGet(out var signed, out var refusal) ? new RaiseOutcome(false, signed) : refusal;
        }

        var body = await reply.ReadAllAsync(WireError.MostBytes, cancellation);
        return WireError.Parse(reply.Status, body).ToRefusal();
    }

    private Task<Result<T>> CallAsync<T>(
        PeerTarget peer,
        WireRequest request,
        int mostBytes,
        Func<ReadOnlyMemory<byte>, Result<T>> parse,
        TimeSpan timeout,
        CancellationToken cancellation) =>
        ExchangeAsync(
            peer,
            request,
            timeout,
            async (reply, token) =>
            {
                var isGood = reply.Status is >= 200 and < 300;
                var body = await reply.ReadAllAsync(isGood ? mostBytes : WireError.MostBytes, token);
                return isGood ? parse(body) : WireError.Parse(reply.Status, body).ToRefusal();
            },
            cancellation);

    private async Task<Result<T>> ExchangeAsync<T>(
        PeerTarget peer,
        WireRequest request,
        TimeSpan timeout,
        Func<WireReply, CancellationToken, Task<Result<T>>> read,
        CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            await using var reply = await wire.SendAsync(peer, request, both.Token);
            return await read(reply, both.Token);
        }
        catch (WireException e)
        {
            return e.ToRefusal();
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new Refusal(Fault.Theirs, WireCodes.HeadersTimeout, "The peer did not answer in time.");
        }
    }
}
