using System.Buffers;
using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;

namespace Souk.Gateway.X402;

/// <summary>What was bought: the whole answer, or why there is none.</summary>
/// <param name="Choices">The answer; empty where there is none.</param>
/// <param name="Usage">As the server counts, with the app's bill.</param>
/// <param name="Error">Why there is no answer; null where there is one.</param>
internal sealed record SellerAnswer(IReadOnlyList<ChatChoice> Choices, Usage Usage, OpenAiError? Error)
{
    /// <summary>Nothing was bought, and the app owes nothing.</summary>
    public static SellerAnswer None(OpenAiError error) => new([], new Usage(0, 0), error);

    /// <summary>Reads a server's chat completion; null where it is none that the request could have.</summary>
    public static SellerAnswer? Read(ReadOnlySpan<byte> body, int mostChoices)
    {
        var parsed = ChatChunk.Parse(body);
        if (!parsed.IsOk || parsed.Value is not { Error: null, Choices: { Count: > 0 } choices } completion
            || choices.Count > mostChoices || choices.Where((choice, at) => choice.Index != at).Any())
        {
            return null;
        }

        return new SellerAnswer([.. choices.Select(Choice)], completion.Usage ?? new Usage(0, 0), null);
    }

    /// <summary>The parts of a stream that delivers one whole choice.</summary>
    public static IEnumerable<ChunkChoice> Parts(ChatChoice choice)
    {
        if (choice.Reasoning is { Length: > 0 } reasoning)
        {
            yield return new ChunkChoice(choice.Index) { Reasoning = reasoning };
        }

        if (choice.Content is { Length: > 0 } text)
        {
            yield return new ChunkChoice(choice.Index) { Content = text };
        }

        if (choice.ToolCalls.Count > 0)
        {
            yield return new ChunkChoice(choice.Index) { ToolCalls = Deltas(choice.ToolCalls) };
        }

        yield return new ChunkChoice(choice.Index) { FinishReason = choice.FinishReason };
    }

    private static ChatChoice Choice(ChunkChoice part)
    {
        var calls = new ToolCallsSoFar();
        calls.Take(part.ToolCalls);
        return new ChatChoice(part.Index, part.Content, FinishReasons.Accepted(part.FinishReason))
        {
            Reasoning = part.Reasoning,
            Refusal = part.Refusal,
            ToolCalls = calls.All,
            Logprobs = part.Logprobs,
        };
    }

    private static ReadOnlyMemory<byte> Deltas(IReadOnlyList<ToolCall> calls)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartArray();
        for (var index = 0; index < calls.Count; index++)
        {
            json.WriteStartObject();
            json.WriteNumber("index", index);
            json.WriteString("id", calls[index].Id);
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", calls[index].Name);
            json.WriteString("arguments", calls[index].Arguments);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.Flush();
        return buffer.WrittenMemory;
    }
}
