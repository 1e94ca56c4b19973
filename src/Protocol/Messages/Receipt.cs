namespace Souk.Protocol;

/// <summary>
/// A provider's statement of work done and charged, signed by its node key; every answer ends in one.
/// </summary>
/// <param name="RequestId">The request.</param>
/// <param name="Index">The request's number on its channel's nonce chain, from 1.</param>
/// <param name="ChannelId">The channel that pays.</param>
/// <param name="OfferHash">The offer that sets the price; see <see cref="Offer.Hash"/>.</param>
/// <param name="ModelDigest">The model that answered.</param>
/// <param name="RequestCommitment">See <see cref="Commitments.Request"/>.</param>
/// <param name="PromptCommitment">See <see cref="Commitments.Prompt(ReadOnlySpan{byte}, ReadOnlySpan{int})"/>; zero
/// where ids are not counted.</param>
/// <param name="OutputCommitment">See <see cref="Commitments"/>; zero after a crash or where ids are not
/// counted.</param>
/// <param name="GatewayNonce">Sent with the request.</param>
/// <param name="ProviderNonce">Nonce <paramref name="Index"/> of that chain.</param>
/// <param name="KeySource">One of <see cref="KeySources"/>.</param>
/// <param name="Sampling">The parameters that were applied.</param>
/// <param name="InputTokens">Prompt tokens that were not served from the cache.</param>
/// <param name="CachedTokens">Prompt tokens that were.</param>
/// <param name="OutputTokens">Every token generated up to the stop, over all choices.</param>
/// <param name="Charge">For this request.</param>
/// <param name="Cumulative">For the channel, this request included.</param>
/// <param name="FinishReason">Why it ended; one of <see cref="FinishReasons"/>.</param>
/// <param name="StartedAtMs">Unix milliseconds at which the request was admitted.</param>
/// <param name="FirstTokenAtMs">Unix milliseconds of the first token; 0 where there was none.</param>
/// <param name="EndedAtMs">Unix milliseconds at which the work ended.</param>
/// <param name="FingerprintRoot">Root of the engine's fingerprints; zero where it makes none.</param>
public sealed record Receipt(
    RequestId RequestId,
    ulong Index,
    Bytes32 ChannelId,
    Bytes32 OfferHash,
    Bytes32 ModelDigest,
    Bytes32 RequestCommitment,
    Bytes32 PromptCommitment,
    Bytes32 OutputCommitment,
    Bytes32 GatewayNonce,
    Bytes32 ProviderNonce,
    string KeySource,
    SamplingParameters Sampling,
    ulong InputTokens,
    ulong CachedTokens,
    ulong OutputTokens,
    Amount Charge,
    Amount Cumulative,
    string FinishReason,
    ulong StartedAtMs,
    ulong FirstTokenAtMs,
    ulong EndedAtMs,
    Bytes32 FingerprintRoot) : ISoukMessage
{
    /// <summary>The EIP-712 type.</summary>
    public const string Type = "Receipt(bytes16 requestId,uint64 index,bytes32 channelId,bytes32 offerHash,"
        + "bytes32 modelDigest,bytes32 requestCommitment,bytes32 promptCommitment,bytes32 outputCommitment,"
        + "bytes32 gatewayNonce,bytes32 providerNonce,string keySource,Sampling sampling,uint64 inputTokens,"
        + "uint64 cachedTokens,uint64 outputTokens,uint128 charge,uint128 cumulative,string finishReason,"
        + "uint64 startedAtMs,uint64 firstTokenAtMs,uint64 endedAtMs,bytes32 fingerprintRoot)"
        + SamplingParameters.Type;

    private const int MaxText = 32;
    private static readonly Bytes32 TypeHash = Eip712.TypeHash(Type);

    /// <inheritdoc/>
    public Bytes32 StructHash() => new StructHasher(TypeHash)
        .Add(RequestId).Add(Index).Add(ChannelId).Add(OfferHash).Add(ModelDigest).Add(RequestCommitment)
        .Add(PromptCommitment).Add(OutputCommitment).Add(GatewayNonce).Add(ProviderNonce).Add(KeySource)
        .Add(Sampling.StructHash()).Add(InputTokens).Add(CachedTokens).Add(OutputTokens).Add(Charge).Add(Cumulative)
        .Add(FinishReason).Add(StartedAtMs).Add(FirstTokenAtMs).Add(EndedAtMs).Add(FingerprintRoot).Hash();

    /// <inheritdoc/>
    public Refusal? Flaw()
    {
        if (KeySource is not (KeySources.TwoParty or KeySources.AppSeed or KeySources.Continued or KeySources.Provider))
        {
            return Malformed("its key source is unknown.");
        }

        if (FinishReason.Length is 0 or > MaxText)
        {
            return Malformed($"its finish reason is empty or longer than {MaxText} characters.");
        }

        return Cumulative < Charge ? Malformed("its cumulative charge is below its charge.") : Sampling.Flaw();
    }

    private static Refusal Malformed(string problem) =>
        new(Fault.Theirs, "receipt_malformed", $"The receipt cannot be used: {problem}");
}

/// <summary>Who chose the sampling key of an answer.</summary>
public static class KeySources
{
    /// <summary>Both sides, by their nonces: neither could search for it.</summary>
    public const string TwoParty = "two-party";

    /// <summary>The app, by `seed`; the reply convicts nobody.</summary>
    public const string AppSeed = "app seed";

    /// <summary>An earlier provider's request that this one continues; convicts nobody.</summary>
    public const string Continued = "continued";

    /// <summary>The provider alone, for a plain x402 client that sends no nonce; convicts nobody.</summary>
    public const string Provider = "provider";
}

/// <summary>Why an answer ended.</summary>
public static class FinishReasons
{
    /// <summary>The end token or a stop string.</summary>
    public const string Stop = "stop";

    /// <summary>A limit on tokens or on what is covered.</summary>
    public const string Length = "length";

    /// <summary>The model called tools.</summary>
    public const string ToolCalls = "tool_calls";

    /// <summary>The engine withheld the answer.</summary>
    public const string ContentFilter = "content_filter";

    /// <summary>The gateway cancelled, or its connection closed.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>The provider's side failed.</summary>
    public const string Error = "error";
}
