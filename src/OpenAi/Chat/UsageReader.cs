using System.Text;
using System.Text.Json;

namespace Souk.OpenAi.Chat;

/// <summary>Reads a <c>usage</c> object after its property name.</summary>
internal static class UsageReader
{
    internal static Usage? Read(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return null;
        }

        long prompt = 0, completion = 0, cached = 0, reasoning = 0;
        string? cost = null;
        while (ChatChunkParser.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("prompt_tokens"u8))
            {
                prompt = Count(ref reader);
            }
            else if (reader.ValueTextEquals("completion_tokens"u8))
            {
                completion = Count(ref reader);
            }
            else if (reader.ValueTextEquals("prompt_tokens_details"u8))
            {
                cached = Math.Max(cached, Detail(ref reader, "cached_tokens"u8));
            }
            else if (reader.ValueTextEquals("completion_tokens_details"u8))
            {
                reasoning = Detail(ref reader, "reasoning_tokens"u8);
            }
            else if (reader.ValueTextEquals("prompt_cache_hit_tokens"u8))
            {
                cached = Math.Max(cached, Count(ref reader));
            }
            else if (reader.ValueTextEquals("cost"u8))
            {
                cost = Cost(ref reader);
            }
            else
            {
                JsonPull.Pass(ref reader);
            }
        }

        return new Usage(prompt, completion) { CachedTokens = cached, ReasoningTokens = reasoning, Cost = cost };
    }

    private static long Detail(ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return 0;
        }

        long found = 0;
        while (ChatChunkParser.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals(name))
            {
                found = Count(ref reader);
            }
            else
            {
                JsonPull.Pass(ref reader);
            }
        }

        return found;
    }

    /// <summary>A count that is billed: negative or absurdly great ones are malformed, not zero.</summary>
    private static long Count(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null)
        {
            return 0;
        }

        return reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var value)
            && value is >= 0 and <= int.MaxValue
            ? value
            : throw new JsonException("A count of tokens is out of range.");
    }

    private static string? Cost(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType is not (JsonTokenType.Number or JsonTokenType.String))
        {
            reader.Skip();
            return null;
        }

        var text = reader.TokenType == JsonTokenType.Number
            ? Encoding.UTF8.GetString(reader.ValueSpan)
            : reader.GetString()!;
        return Usage.IsPlainDecimal(text) ? text : null;
    }
}
