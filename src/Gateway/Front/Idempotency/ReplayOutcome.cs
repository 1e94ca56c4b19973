using Souk.OpenAi.Errors;

namespace Souk.Gateway.Front.Idempotency;

/// <summary>What those get who ask again: the reply, or why there is none.</summary>
internal sealed record ReplayOutcome(KeptReply? Reply, OpenAiError? Error)
{
    private const string ErrorType = "idempotency_error";

    /// <summary>The request broke off and is not in the ledger, or cost nothing; it may be sent again.</summary>
    public static ReplayOutcome Failed { get; } =
        new(null, OpenAiError.Server("The request under this idempotency key failed; send it again."));

    /// <summary>The bytes were not kept, or are gone; what was charged stays charged.</summary>
    public static ReplayOutcome NotKept(string name) => new(null, Refuse(
        400, "idempotency_reply_not_kept",
        $"The request under the idempotency key '{name}' was answered and charged, and its answer is not kept: it was "
            + "too large, was not to be kept, or was lost when the gateway stopped. It is not charged again."));

    /// <summary>A request that was under way when the gateway stopped is not explained yet. SDKs ask again.</summary>
    public static ReplayOutcome Unsettled(string name) => new(null, Refuse(
        409, "idempotency_key_in_use",
        $"The request under the idempotency key '{name}' was under way when the gateway stopped, and its provider has "
            + "not said yet what it charged. Nothing is charged meanwhile; send it again shortly."));

    /// <summary>The same name with another question.</summary>
    /// <remarks>Not 409, which SDKs send again.</remarks>
    public static OpenAiError Reused(string name) => Refuse(
        400, "idempotency_key_reused",
        $"The idempotency key '{name}' was used for another request. Use a new key for a new request, or send the "
            + "same path and body again.");

    /// <summary>A name that is none.</summary>
    public static OpenAiError Invalid(int mostCharacters) => Refuse(
        400, "idempotency_key_invalid",
        $"'Idempotency-Key' must be sent once, with 1 to {mostCharacters} printable ASCII characters.");

    /// <summary>The API key has too many names.</summary>
    public static OpenAiError TooMany(int most) => Refuse(
        429, "idempotency_keys_exhausted",
        $"This API key has named {most} requests within 24 hours, which is the most. Send requests without "
            + "'Idempotency-Key', or wait.");

    private static OpenAiError Refuse(int status, string code, string message) =>
        new(status, ErrorType, code, null, message);
}
