using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Dialogue;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Responses;

/// <summary>
/// A checked request to <c>/v1/responses</c>, the stateless part of it: nothing is kept, so a conversation comes whole
/// with each request. What it buys is a chat.
/// </summary>
/// <param name="Chat">The same conversation as a chat request.</param>
/// <param name="Root">The request as it came, of which the reply repeats the settings.</param>
public sealed record ResponsesRequest(ChatRequest Chat, JsonElement Root)
{
    private const int MostMetadata = 16;
    private const int MostMetadataKey = 64;
    private const int MostMetadataValue = 512;

    /// <summary>
    /// Reads a request body. Fails with OpenAI's error object: 400 for what is wrong or not served, 413 for a body over
    /// the limit. Never throws on any bytes.
    /// </summary>
    public static ParseResult<ResponsesRequest> Parse(ReadOnlyMemory<byte> utf8, ChatLimits? limits = null)
    {
        limits ??= ChatLimits.Default;
        var opened = ForeignRequest.Open(utf8, limits);
        if (!opened.IsOk)
        {
            return opened.Error;
        }

        var fields = new FieldReader(opened.Value, "");
        Refuse(fields);
        CheckMetadata(fields);
        var messages = new InputReader(fields, limits).Read();
        var settings = ChatSettings.Read(fields, limits);
        if (fields.Error is not null)
        {
            return fields.Error;
        }

        var chat = ForeignRequest.ToChat(messages, writer => settings.Write(writer, opened.Value), limits);
        return chat.IsOk
            ? new ResponsesRequest(chat.Value with { Root = opened.Value }, opened.Value)
            : InOwnWords(chat.Error);
    }

    /// <summary>An error about the chat that was bought, in the words of what the app sent.</summary>
    public static OpenAiError InOwnWords(OpenAiError error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return error.Param switch
        {
            null => error,
            "messages" => ForeignRequest.Renamed(error, "messages", "input"),
            "max_tokens" or "max_completion_tokens" =>
                ForeignRequest.Renamed(error, error.Param, "max_output_tokens"),
            "reasoning_effort" => ForeignRequest.Renamed(error, error.Param, "reasoning.effort"),
            _ when error.Param.StartsWith("response_format", StringComparison.Ordinal) =>
                ForeignRequest.RenamedFormat(error, "text.format"),
            _ when error.Param.Contains("].function.", StringComparison.Ordinal) =>
                ForeignRequest.Renamed(
                    error, error.Param, error.Param.Replace("].function.", "].", StringComparison.Ordinal)),
            _ => error,
        };
    }

    private static void Refuse(FieldReader fields)
    {
        const string Kept = "this gateway keeps nothing between requests. Send the whole conversation as 'input'.";
        ForeignRequest.Refuse(fields, "previous_response_id", Kept);
        ForeignRequest.Refuse(fields, "conversation", Kept);
        ForeignRequest.Refuse(
            fields, "prompt", "this gateway keeps no prompts. Send it as 'instructions' and 'input'.");
        ForeignRequest.Refuse(fields, "background", "an answer comes with its request; use 'stream' for long ones.");
    }

    private static void CheckMetadata(FieldReader fields)
    {
        if (fields.Of("metadata", JsonValueKind.Object, "an object") is not { } metadata)
        {
            return;
        }

        var inner = fields.Inner(metadata, "metadata");
        foreach (var entry in metadata.EnumerateObject())
        {
            _ = inner.Text(entry.Name, MostMetadataValue);
            if (entry.Value.ValueKind == JsonValueKind.Null || entry.Name.Length > MostMetadataKey)
            {
                fields.FailValue("metadata", $"it maps names of up to {MostMetadataKey} characters to strings.");
            }
        }

        if (metadata.GetPropertyCount() > MostMetadata)
        {
            fields.FailValue("metadata", $"at most {MostMetadata} entries are taken.");
        }
    }
}
