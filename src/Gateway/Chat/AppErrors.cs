using Souk.Gateway.Keys;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Gateway.Chat;

/// <summary>Refusals in OpenAI's words.</summary>
internal static class AppErrors
{
    /// <summary>The error to answer with. 408, 409, 429 and 5xx are retried by SDKs, so they are only for what cost
    /// nothing.</summary>
    public static OpenAiError From(Refusal refusal) => refusal.Code switch
    {
        "invalid_api_key" or "api_key_revoked" or "api_key_expired" =>
            OpenAiError.Unauthorized(refusal.Message, refusal.Code),
        "model_not_supported" => OpenAiError.InvalidRequest(refusal.Message, "model", refusal.Code),
        "model_not_found" => OpenAiError.NotFound(refusal.Message, "model", refusal.Code),
        // As OpenAI answers a project that has no access to a model; SDKs do not retry it.
        "model_not_allowed" => OpenAiError.Forbidden(refusal.Message, refusal.Code) with { Param = "model" },
        "price_above_cap" => OpenAiError.Forbidden(
            "Every offer that could serve the request is dearer than the API key's price ceiling; have its owner "
            + "raise it, or ask for another model.", refusal.Code) with { Param = "model" },
        KeyTraffic.NoRequests => OpenAiError.RateLimited(refusal.Message) with { Type = "requests" },
        KeyTraffic.NoTokens or KeyTraffic.TooLarge =>
            OpenAiError.RateLimited(refusal.Message) with { Type = "tokens" },
        "insufficient_funds" or "insufficient_quota" => OpenAiError.PaymentRequired(refusal.Message),
        "vault_empty" => OpenAiError.PaymentRequired(refusal.Message) with { Code = refusal.Code },
        "context_length_exceeded" => OpenAiError.InvalidRequest(refusal.Message, "messages", refusal.Code),
        // What a model's own tokenizer or template says of the app's messages, found before anything was sent.
        "image_not_supported" or "chat_template_failed" or "invalid_messages" or "prompt_too_complex"
            or "invalid_prompt" => OpenAiError.InvalidRequest(refusal.Message, "messages", refusal.Code),
        "invalid_value" => OpenAiError.InvalidRequest(refusal.Message, null, refusal.Code),
        "invalid_max_tokens" => OpenAiError.InvalidRequest(refusal.Message, "max_tokens", refusal.Code),
        "schema_unsupported" => OpenAiError.InvalidRequest(
            refusal.Message,
            refusal.Message.StartsWith("Invalid 'tools'", StringComparison.Ordinal) ? "tools" : "response_format",
            refusal.Code),
        "invalid_choices" => OpenAiError.InvalidRequest(refusal.Message, "n", refusal.Code),
        "feature_missing" or "feature_unsupported" => OpenAiError.InvalidRequest(refusal.Message, null, refusal.Code),
        "receiver_not_listed" or "seller_disputed" => OpenAiError.Unavailable(refusal.Message, refusal.Code),
        "no_provider" => OpenAiError.Unavailable(refusal.Message),
        "no_channel" or "busy" or "engine_busy" or "provider_full" or "exposure_reached" or "peer_exposure"
            or "total_exposure" or "ledger_unavailable" or "books_behind" =>
            OpenAiError.Unavailable(refusal.Message, refusal.Code),
        // Between gateway and provider: nothing that the app did, and nothing that it was charged for.
        _ when refusal.Fault == Fault.Ours && IsBetweenNodes(refusal.Code) =>
            OpenAiError.Unavailable(refusal.Message, refusal.Code),
        _ when refusal.Fault == Fault.Ours => OpenAiError.InvalidRequest(refusal.Message, null, refusal.Code),
        _ => OpenAiError.BadGateway(refusal.Message, refusal.Code),
    };

    /// <summary>The same, with the field that this request has instead of messages.</summary>
    public static OpenAiError From(Refusal refusal, ChatRequest chat)
    {
        var error = From(refusal);
        return error.Param != "messages" ? error : error with
        {
            Param = chat.Prompt is not null ? "prompt" : chat.Embedding is not null ? "input" : "messages",
        };
    }

    /// <summary>What was refused before a request was read: too large, too slow, too many at once.</summary>
    public static OpenAiError From(WireError error) => error.Status == 413
        ? OpenAiError.TooLarge(error.Message)
        : new OpenAiError(error.Status, ErrorTypes.ForStatus(error.Status), error.Code, null, error.Message);

    private static bool IsBetweenNodes(string code) =>
        code.StartsWith("offer_", StringComparison.Ordinal) || code.StartsWith("channel_", StringComparison.Ordinal)
        || code.StartsWith("voucher_", StringComparison.Ordinal) || code.EndsWith("_mismatch", StringComparison.Ordinal)
        || code is "withdrawal_pending" or "index_spent" or "nonce_chain_spent" or "head_stale"
            or "deposit_unconfirmed";
}
