using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Dialogue;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Responses;

/// <summary>Writes the objects of the Responses API: the response itself and the items of its output.</summary>
internal sealed class ResponseJson(string id, long created, ResponsesRequest request)
{
    internal const string Completed = "completed";
    internal const string Incomplete = "incomplete";
    internal const string InProgress = "in_progress";
    internal const string Failed = "failed";
    private readonly ChatRequest _chat = request.Chat;

    /// <summary>Why an answer is not complete, in this API's words, or null where it is.</summary>
    internal static string? WhyIncomplete(string? finishReason) =>
        FinishReasons.Accepted(finishReason ?? FinishReasons.Length) switch
        {
            FinishReasons.Length => "max_output_tokens",
            FinishReasons.ContentFilter => "content_filter",
            _ => null,
        };

    internal static string StatusOf(string? finishReason) =>
        WhyIncomplete(finishReason) is null ? Completed : Incomplete;

    /// <summary>An item's id, unlike any other.</summary>
    internal string ItemId(AnswerBlock block) => block.Kind switch
    {
        BlockKind.Reasoning => $"rs_{id}_{block.Index}",
        BlockKind.Call => $"fc_{id}_{block.Index}",
        _ => $"msg_{id}_{block.Index}",
    };

    /// <param name="status">Of the whole response; the last item has it too, where it is incomplete.</param>
    internal void Response(
        Utf8JsonWriter writer, string status, AnswerBlocks? blocks, Usage? usage, OpenAiError? error = null)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, "resp_" + id);
        writer.WriteString("object"u8, "response"u8);
        writer.WriteNumber("created_at"u8, created);
        writer.WriteString("status"u8, status);
        Error(writer, error);
        writer.WritePropertyName("incomplete_details"u8);
        if (status == Incomplete)
        {
            writer.WriteStartObject();
            writer.WriteString("reason"u8, WhyIncomplete(blocks?.FinishReason));
            writer.WriteEndObject();
        }
        else
        {
            writer.WriteNullValue();
        }

        writer.WriteString("model"u8, _chat.Model);
        writer.WriteStartArray("output"u8);
        foreach (var block in blocks?.All ?? [])
        {
            var isWhole = status == Completed || block.Index < blocks!.All.Count - 1;
            Item(writer, block, isWhole ? Completed : Incomplete);
        }

        writer.WriteEndArray();
        ResponseEcho.Write(writer, request);
        Usage(writer, usage);
        writer.WriteEndObject();
    }

    /// <summary>An item of the output. One in progress has no content yet.</summary>
    internal void Item(Utf8JsonWriter writer, AnswerBlock block, string status)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, ItemId(block));
        switch (block.Kind)
        {
            case BlockKind.Call:
                writer.WriteString("type"u8, "function_call"u8);
                writer.WriteString("status"u8, status);
                writer.WriteString("call_id"u8, block.CallId);
                writer.WriteString("name"u8, block.Name);
                writer.WriteString("arguments"u8, status == InProgress ? "" : block.Text.ToString());
                break;
            case BlockKind.Reasoning:
                writer.WriteString("type"u8, "reasoning"u8);
                writer.WriteStartArray("summary"u8);
                writer.WriteEndArray();
                Content(writer, block, status);
                writer.WriteString("status"u8, status);
                break;
            default:
                writer.WriteString("type"u8, "message"u8);
                writer.WriteString("status"u8, status);
                writer.WriteString("role"u8, "assistant"u8);
                Content(writer, block, status);
                break;
        }

        writer.WriteEndObject();
    }

    /// <summary>The one part of an item's content, empty where it only begins.</summary>
    internal static void Part(Utf8JsonWriter writer, AnswerBlock block, bool isEmpty)
    {
        var text = isEmpty ? "" : block.Text.ToString();
        writer.WriteStartObject();
        switch (block.Kind)
        {
            case BlockKind.Reasoning:
                writer.WriteString("type"u8, "reasoning_text"u8);
                writer.WriteString("text"u8, text);
                break;
            case BlockKind.Refusal:
                writer.WriteString("type"u8, "refusal"u8);
                writer.WriteString("refusal"u8, text);
                break;
            default:
                writer.WriteString("type"u8, "output_text"u8);
                writer.WriteStartArray("annotations"u8);
                writer.WriteEndArray();
                Logprobs(writer, isEmpty ? [] : block.Logprobs);
                writer.WriteString("text"u8, text);
                break;
        }

        writer.WriteEndObject();
    }

    internal static void Logprobs(Utf8JsonWriter writer, IReadOnlyList<byte[]> tokens)
    {
        writer.WriteStartArray("logprobs"u8);
        foreach (var token in tokens)
        {
            writer.WriteRawValue(token, skipInputValidation: true);
        }

        writer.WriteEndArray();
    }

    private static void Content(Utf8JsonWriter writer, AnswerBlock block, string status)
    {
        writer.WriteStartArray("content"u8);
        if (status != InProgress)
        {
            Part(writer, block, isEmpty: false);
        }

        writer.WriteEndArray();
    }

    private static void Error(Utf8JsonWriter writer, OpenAiError? error)
    {
        writer.WritePropertyName("error"u8);
        if (error is null)
        {
            writer.WriteNullValue();
            return;
        }

        writer.WriteStartObject();
        // SDKs know a closed list of codes here; the event that follows says which one it really was.
        writer.WriteString("code"u8, error.Status == 429 ? "rate_limit_exceeded" : "server_error");
        writer.WriteString("message"u8, error.Message);
        writer.WriteEndObject();
    }

    // It is left out until it is known: null is not among what the published schema allows.
    private static void Usage(Utf8JsonWriter writer, Usage? usage)
    {
        if (usage is null)
        {
            return;
        }

        writer.WriteStartObject("usage"u8);
        writer.WriteNumber("input_tokens"u8, usage.PromptTokens);
        writer.WriteStartObject("input_tokens_details"u8);
        writer.WriteNumber("cached_tokens"u8, usage.CachedTokens);
        writer.WriteNumber("cache_write_tokens"u8, 0);
        writer.WriteEndObject();
        writer.WriteNumber("output_tokens"u8, usage.CompletionTokens);
        writer.WriteStartObject("output_tokens_details"u8);
        writer.WriteNumber("reasoning_tokens"u8, usage.ReasoningTokens);
        writer.WriteEndObject();
        writer.WriteNumber("total_tokens"u8, usage.TotalTokens);
        usage.WriteCost(writer);
        writer.WriteEndObject();
    }
}
