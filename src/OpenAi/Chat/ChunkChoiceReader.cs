using System.Text.Json;

namespace Souk.OpenAi.Chat;

/// <summary>Reads one element of <c>choices</c>; the reader stands at its opening brace.</summary>
internal static class ChunkChoiceReader
{
    internal static ChunkChoice Read(ref Utf8JsonReader reader)
    {
        var choice = default(Parts);
        while (ChatChunkParser.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("index"u8))
            {
                choice.Index = Index(JsonPull.Integer(ref reader));
            }
            else if (reader.ValueTextEquals("delta"u8) || reader.ValueTextEquals("message"u8))
            {
                Delta(ref reader, ref choice);
            }
            else if (reader.ValueTextEquals("text"u8))
            {
                choice.Content ??= JsonPull.Text(ref reader);
            }
            else if (reader.ValueTextEquals("finish_reason"u8))
            {
                choice.FinishReason = JsonPull.Text(ref reader);
            }
            else if (reader.ValueTextEquals("token_ids"u8))
            {
                choice.TokenIds = JsonPull.Ids(ref reader);
            }
            else if (reader.ValueTextEquals("logprobs"u8))
            {
                choice.Logprobs = JsonPull.Raw(ref reader);
            }
            else if (reader.ValueTextEquals("prompt_logprobs"u8))
            {
                choice.PromptLogprobs = JsonPull.Raw(ref reader);
            }
            else
            {
                JsonPull.Pass(ref reader);
            }
        }

        return new ChunkChoice(choice.Index)
        {
            Role = choice.Role,
            Content = choice.Content,
            Reasoning = choice.Reasoning,
            Refusal = choice.Refusal,
            ToolCalls = choice.ToolCalls,
            Logprobs = choice.Logprobs,
            PromptLogprobs = choice.PromptLogprobs,
            FinishReason = choice.FinishReason,
            TokenIds = choice.TokenIds,
        };
    }

    private static void Delta(ref Utf8JsonReader reader, ref Parts choice)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (ChatChunkParser.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("content"u8))
            {
                choice.Content = JsonPull.Text(ref reader);
            }
            else if (reader.ValueTextEquals("role"u8))
            {
                choice.Role = JsonPull.Text(ref reader);
            }
            else if (reader.ValueTextEquals("reasoning_content"u8) || reader.ValueTextEquals("reasoning"u8))
            {
                choice.Reasoning = JsonPull.Text(ref reader) ?? choice.Reasoning;
            }
            else if (reader.ValueTextEquals("refusal"u8))
            {
                choice.Refusal = JsonPull.Text(ref reader);
            }
            else if (reader.ValueTextEquals("tool_calls"u8))
            {
                choice.ToolCalls = JsonPull.RawArray(ref reader);
            }
            else if (reader.ValueTextEquals("token_ids"u8))
            {
                choice.TokenIds = JsonPull.Ids(ref reader) ?? choice.TokenIds;
            }
            else
            {
                JsonPull.Pass(ref reader);
            }
        }
    }

    /// <summary>An index beyond the 256 choices that a request can have could only be an attack on an array.</summary>
    private static int Index(long? stated) => stated is null or (>= 0 and < 256)
        ? (int)(stated ?? 0)
        : throw new JsonException("The index of a choice is out of range.");

    private struct Parts
    {
        internal int Index;
        internal string? Role;
        internal string? Content;
        internal string? Reasoning;
        internal string? Refusal;
        internal string? FinishReason;
        internal byte[]? ToolCalls;
        internal byte[]? Logprobs;
        internal byte[]? PromptLogprobs;
        internal int[]? TokenIds;
    }
}
