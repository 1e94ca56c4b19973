using System.Text.Json;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Chat;

/// <summary>
/// A forward-only reader of chunks, since every token passes here: no document is built, and only what a chunk really
/// holds is allocated. Fields of unexpected types are passed over, unless a wrong value could cost money.
/// </summary>
internal static class ChatChunkParser
{
    private const int MaxDepth = 64;

    internal static ParseResult<ChatChunk> Parse(ReadOnlySpan<byte> utf8)
    {
        try
        {
            var reader = new Utf8JsonReader(utf8, JsonText.ReaderOptions(MaxDepth));
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return Malformed("it is not a JSON object");
            }

            var chunk = ReadChunk(ref reader);
            return reader.Read() ? Malformed("something follows the object") : chunk;
        }
        catch (JsonException)
        {
            return Malformed("it is not JSON");
        }
        catch (InvalidOperationException)
        {
            return Malformed("it holds a string that is not Unicode");
        }
    }

    private static OpenAiError Malformed(string why) =>
        OpenAiError.BadGateway($"An event of the provider's stream cannot be read: {why}.", "malformed_chunk");

    private static ChatChunk ReadChunk(ref Utf8JsonReader reader)
    {
        var parts = new Parts { Choices = [] };
        while (NextProperty(ref reader))
        {
            if (!TakeCommon(ref reader, ref parts) && !TakeRare(ref reader, ref parts))
            {
                JsonPull.Pass(ref reader);
            }
        }

        if (parts.IsLoneError && parts.Error is null)
        {
            // Older vLLM sends the error object bare.
            var status = parts.LoneCode is >= 400 and < 600 ? (int)parts.LoneCode : 502;
            var message = parts.LoneMessage ?? "The provider's stream failed.";
            parts.Error = new OpenAiError(status, ErrorTypes.ForStatus(status), null, null, message);
        }

        if (parts.Ids is not null && parts.Choices is [{ TokenIds: null } only])
        {
            parts.Choices = [only with { TokenIds = parts.Ids }];
        }

        return new ChatChunk
        {
            Id = parts.Id,
            Model = parts.Model,
            Created = parts.Created,
            SystemFingerprint = parts.Fingerprint,
            Choices = parts.Choices,
            Usage = parts.Usage,
            PromptTokenIds = parts.PromptIds,
            Error = parts.Error,
        };
    }

    private static bool TakeCommon(ref Utf8JsonReader reader, ref Parts parts)
    {
        if (reader.ValueTextEquals("id"u8))
        {
            parts.Id = JsonPull.Text(ref reader);
        }
        else if (reader.ValueTextEquals("model"u8))
        {
            parts.Model = JsonPull.Text(ref reader);
        }
        else if (reader.ValueTextEquals("created"u8))
        {
            parts.Created = JsonPull.Integer(ref reader) ?? 0;
        }
        else if (reader.ValueTextEquals("choices"u8))
        {
            parts.Choices = Choices(ref reader);
        }
        else if (reader.ValueTextEquals("usage"u8))
        {
            parts.Usage = UsageReader.Read(ref reader);
        }
        else if (reader.ValueTextEquals("system_fingerprint"u8))
        {
            parts.Fingerprint = JsonPull.Text(ref reader);
        }
        else
        {
            return false;
        }

        return true;
    }

    private static bool TakeRare(ref Utf8JsonReader reader, ref Parts parts)
    {
        if (reader.ValueTextEquals("prompt_token_ids"u8))
        {
            parts.PromptIds = JsonPull.Ids(ref reader);
        }
        else if (reader.ValueTextEquals("token_ids"u8))
        {
            parts.Ids = JsonPull.Ids(ref reader);
        }
        else if (reader.ValueTextEquals("error"u8))
        {
            parts.Error = ReadError(ref reader);
        }
        else if (reader.ValueTextEquals("object"u8))
        {
            parts.IsLoneError = JsonPull.Is(ref reader, "error"u8);
        }
        else if (reader.ValueTextEquals("message"u8))
        {
            parts.LoneMessage = JsonPull.Text(ref reader);
        }
        else if (reader.ValueTextEquals("code"u8))
        {
            parts.LoneCode = JsonPull.Integer(ref reader) ?? 0;
        }
        else
        {
            return false;
        }

        return true;
    }

    private static OpenAiError? ReadError(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null)
        {
            return null;
        }

        using var document = JsonDocument.ParseValue(ref reader);
        return OpenAiError.FromElement(document.RootElement, 502);
    }

    private static ChunkChoice[] Choices(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return [];
        }

        ChunkChoice? first = null;
        List<ChunkChoice>? more = null;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                reader.Skip();
                continue;
            }

            var choice = ChunkChoiceReader.Read(ref reader);
            if (first is null)
            {
                first = choice;
            }
            else
            {
                (more ??= [first]).Add(choice);
            }
        }

        return more is not null ? [.. more] : first is null ? [] : [first];
    }

    internal static bool NextProperty(ref Utf8JsonReader reader) =>
        reader.Read() && reader.TokenType == JsonTokenType.PropertyName;

    private struct Parts
    {
        internal string? Id;
        internal string? Model;
        internal string? Fingerprint;
        internal long Created;
        internal ChunkChoice[] Choices;
        internal Usage? Usage;
        internal OpenAiError? Error;
        internal int[]? PromptIds;
        internal int[]? Ids;
        internal bool IsLoneError;
        internal string? LoneMessage;
        internal long LoneCode;
    }
}
