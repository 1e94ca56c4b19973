using Souk.Protocol;

namespace Souk.Market.Receipts;

/// <summary>
/// When a gateway takes a receipt. One that does not hold is kept as evidence and freezes the channel. The receipt's
/// timings are not judged: clocks jump, and no money depends on them.
/// </summary>
public static class ReceiptRules
{
    /// <summary>Checks a receipt against what was sent, promised and received.</summary>
    /// <param name="domain">Chain and registry that receipts are signed for.</param>
    /// <param name="original">The receipt.</param>
    /// <param name="expected">What was sent and promised.</param>
    /// <param name="delivered">What was received.</param>
    /// <returns>The receipt, or the first mismatch; its code names the field.</returns>
    public static Result<CheckedReceipt> Check(
        SoukDomain domain, Signed<Receipt> original, ReceiptExpectation expected, Delivered delivered)
    {
        ArgumentNullException.ThrowIfNull(original);
        ArgumentNullException.ThrowIfNull(expected);
        ArgumentNullException.ThrowIfNull(delivered);
        var receipt = original.Message;
        var refusal = receipt.Flaw()
            ?? CheckIdentity(receipt, expected)
            ?? CheckKey(receipt, expected)
            ?? CheckCounts(receipt, expected, delivered)
            ?? CheckMoney(receipt, expected)
            ?? CheckFinish(receipt, expected.Offer, delivered);
        if (refusal is not null)
        {
            return refusal;
        }

        return original.Signer(domain) == expected.NodeKey
            ? new CheckedReceipt(
                receipt, IsCrash(receipt, expected.Offer), receipt.FinishReason == FinishReasons.Error)
            : Refuse("receipt_signer", "is not signed by the provider's node key");
    }

    private static Refusal? CheckIdentity(Receipt receipt, ReceiptExpectation expected) =>
        Differs(receipt.RequestId != expected.RequestId, "receipt_request_id", "names another request")
        ?? Differs(receipt.Index != expected.Index, "receipt_index", "has another index than the request")
        ?? Differs(receipt.ChannelId != expected.ChannelId, "receipt_channel", "names another channel")
        ?? Differs(receipt.OfferHash != expected.OfferHash, "receipt_offer", "names another offer")
        ?? Differs(receipt.ModelDigest != expected.Offer.ModelDigest, "receipt_model", "names another model")
        ?? Differs(
            receipt.RequestCommitment != expected.RequestCommitment,
            "receipt_request_commitment", "is for another body than was sent");

    private static Refusal? CheckKey(Receipt receipt, ReceiptExpectation expected) =>
        Differs(
            receipt.GatewayNonce != expected.GatewayNonce, "receipt_gateway_nonce", "has another gateway nonce")
        ?? Differs(
            expected.OpenedNonce is { } opened && opened != receipt.ProviderNonce,
            "receipt_provider_nonce", "repeats another provider nonce than the reply opened")
        ?? Differs(
            !NonceChain.Verify(receipt.ProviderNonce, receipt.Index, expected.KnownNonce, expected.KnownIndex),
            "receipt_provider_nonce", "has a provider nonce that is not the next of its chain")
        ?? Differs(receipt.KeySource != expected.KeySource, "receipt_key_source", "names another source of the key")
        ?? Differs(
            expected.Sampling is { } asked && asked != receipt.Sampling,
            "receipt_sampling", "was sampled by other parameters than were asked for");

    private static Refusal? CheckCounts(Receipt receipt, ReceiptExpectation expected, Delivered delivered)
    {
        if (receipt.CachedTokens > expected.MostCached)
        {
            return Refuse("receipt_cached", "counts more cached tokens than this gateway ever sent");
        }

        if (receipt.OutputTokens > expected.MostOutput)
        {
            return Refuse("receipt_output_tokens", "counts more output tokens than the request allows");
        }

        // Each is below 2^64 alone; hostile counts must not wrap the sum.
        var prompt = (UInt128)receipt.InputTokens + receipt.CachedTokens;
        var isEmpty = prompt == 0 && receipt.OutputTokens == 0;
        if (expected.Offer.Counting == CountingKinds.Usage)
        {
            return Differs(
                    prompt > expected.PromptTokens, "receipt_input_tokens", "counts more input than the body can hold")
                ?? Differs(
                    !receipt.PromptCommitment.IsZero || !receipt.OutputCommitment.IsZero,
                    "receipt_commitments", "commits to ids that were never told");
        }

        return Differs(
                !isEmpty && prompt != expected.PromptTokens,
                "receipt_input_tokens", $"counts {prompt} prompt tokens where there are {expected.PromptTokens}")
            ?? Differs(
                receipt.PromptCommitment != delivered.PromptCommitment
                    && !(isEmpty && receipt.PromptCommitment.IsZero),
                "receipt_prompt_commitment", "is for another prompt than was sent")
            ?? CheckOutput(receipt, expected.Offer, delivered);
    }

    private static Refusal? CheckOutput(Receipt receipt, Offer offer, Delivered delivered)
    {
        if (IsCrash(receipt, offer))
        {
            return Differs(
                receipt.OutputTokens > delivered.OutputTokens,
                "receipt_output_tokens", "counts more tokens after a crash than were received");
        }

        return Differs(
                receipt.OutputTokens != delivered.OutputTokens,
                "receipt_output_tokens",
                $"counts {receipt.OutputTokens} output tokens where {delivered.OutputTokens} were received")
            ?? Differs(
                receipt.OutputCommitment != delivered.OutputCommitment,
                "receipt_output_commitment", "is for another output than was received")
            ?? Differs(
                receipt.FinishReason == FinishReasons.Error && receipt.OutputTokens == 0 && !receipt.Charge.IsZero,
                "receipt_charge", "charges for a request that the provider ended before its first token");
    }

    private static Refusal? CheckMoney(Receipt receipt, ReceiptExpectation expected)
    {
        var charge = Charge.TryOf(
            expected.Offer.Prices, receipt.InputTokens, receipt.CachedTokens, receipt.OutputTokens);
        if (charge != receipt.Charge)
        {
            return Refuse("receipt_charge", $"charges {receipt.Charge} where its counts cost {charge}");
        }

        // Compared by difference, so that no sum of hostile amounts can wrap.
        if (receipt.Cumulative < expected.Base || receipt.Cumulative - expected.Base != receipt.Charge)
        {
            return Refuse(
                "receipt_cumulative", $"totals {receipt.Cumulative}, not the {expected.Base} so far and its charge");
        }

        return Differs(
            receipt.Cumulative > expected.Ceiling, "receipt_above_ceiling", "totals more than was promised");
    }

    // A provider may crash between the last chunk and the receipt; then the stream's reason is not the receipt's.
    private static Refusal? CheckFinish(Receipt receipt, Offer offer, Delivered delivered) =>
        Differs(
            delivered.FinishReason is { } told && told != receipt.FinishReason && !IsCrash(receipt, offer),
            "receipt_finish_reason", "gives another finish reason than the stream");

    private static bool IsCrash(Receipt receipt, Offer offer) =>
        receipt.FinishReason == FinishReasons.Error && receipt.OutputCommitment.IsZero
        && offer.Counting == CountingKinds.Ids;

    private static Refusal? Differs(bool isWrong, string code, string problem) =>
        isWrong ? Refuse(code, problem) : null;

    private static Refusal Refuse(string code, string problem) =>
        new(Fault.Theirs, code, $"The receipt {problem}. It is kept as evidence and the channel is frozen.");
}
