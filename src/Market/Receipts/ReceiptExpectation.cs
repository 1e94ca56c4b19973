using Souk.Protocol;

namespace Souk.Market.Receipts;

/// <summary>What the gateway sent and promised, against which a receipt is checked.</summary>
public sealed record ReceiptExpectation
{
    /// <summary>The request.</summary>
    public required RequestId RequestId { get; init; }

    /// <summary>The request's number on the channel.</summary>
    public required ulong Index { get; init; }

    /// <summary>The channel.</summary>
    public required Bytes32 ChannelId { get; init; }

    /// <summary>The hash of <see cref="Offer"/>.</summary>
    public required Bytes32 OfferHash { get; init; }

    /// <summary>The offer that prices the request.</summary>
    public required Offer Offer { get; init; }

    /// <summary>The provider's node key that was current when the offer was issued.</summary>
    public required Address NodeKey { get; init; }

    /// <summary>Recomputed from the salt and the exact body that was sent.</summary>
    public required Bytes32 RequestCommitment { get; init; }

    /// <summary>The nonce that was sent with the request.</summary>
    public required Bytes32 GatewayNonce { get; init; }

    /// <summary>The last provider nonce known on this chain of nonces, or its anchor.</summary>
    public required Bytes32 KnownNonce { get; init; }

    /// <summary>The request index that <see cref="KnownNonce"/> belongs to; the acceptance's for the anchor.</summary>
    public required ulong KnownIndex { get; init; }

    /// <summary>The nonce that the reply's headers opened; null where no headers were received.</summary>
    public Bytes32? OpenedNonce { get; init; }

    /// <summary>Who chose the sampling key; one of <see cref="KeySources"/>.</summary>
    public required string KeySource { get; init; }

    /// <summary>The sampling parameters asked for; null where the request leaves them to the provider.</summary>
    public SamplingParameters? Sampling { get; init; }

    /// <summary>What the receipts held add up to.</summary>
    public required Amount Base { get; init; }

    /// <summary>The highest ceiling signed.</summary>
    public required Amount Ceiling { get; init; }

    /// <summary>The prompt's tokens as counted here, or the bound on them with counting <c>usage</c>.</summary>
    public required ulong PromptTokens { get; init; }

    /// <summary>The most prompt tokens that can be cached: what this gateway sent this provider before.</summary>
    public required ulong MostCached { get; init; }

    /// <summary>The most output tokens that the request allows, over all choices.</summary>
    public required ulong MostOutput { get; init; }
}

/// <summary>What came of a request, in the stream or fetched afterwards.</summary>
/// <param name="PromptCommitment">Recomputed from the gateway's own encoding; zero with counting <c>usage</c>.</param>
/// <param name="OutputCommitment">Recomputed from the ids received; zero with counting <c>usage</c>.</param>
/// <param name="OutputTokens">How many ids were received, over all choices; 0 with counting <c>usage</c>.</param>
/// <param name="FinishReason">The stream's reason; null where it broke off, or where choices differ.</param>
public sealed record Delivered(
    Bytes32 PromptCommitment, Bytes32 OutputCommitment, ulong OutputTokens, string? FinishReason)
{
    /// <summary>Recomputes the commitments of what was received.</summary>
    /// <param name="salt">The 16 bytes that were sent with the request.</param>
    /// <param name="prompt">The prompt's token ids by the gateway's own encoding.</param>
    /// <param name="choices">The ids received, by choice.</param>
    /// <param name="finishReason">The reason that the stream gave, if it gave one.</param>
    public static Delivered Of(
        ReadOnlySpan<byte> salt, ReadOnlySpan<int> prompt, IReadOnlyList<IReadOnlyList<int>> choices,
        string? finishReason)
    {
        ArgumentNullException.ThrowIfNull(choices);
        var count = choices.Aggregate(0UL, (sum, choice) => sum + (ulong)choice.Count);
        return new Delivered(
            Commitments.Prompt(salt, prompt), Commitments.Output(salt, choices), count, finishReason);
    }
}

/// <summary>A receipt that holds.</summary>
/// <param name="Receipt">The receipt.</param>
/// <param name="IsCrash">True where it was signed after a crash from what the provider had stored.</param>
/// <param name="IsFailure">True where the provider's side ended the request; it counts in its record.</param>
public sealed record CheckedReceipt(Receipt Receipt, bool IsCrash, bool IsFailure);
