using Souk.OpenAi.Chat;
using Souk.OpenAi.Dialogue;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Messages;

/// <summary>A checked request to Anthropic's <c>/v1/messages</c>. What it buys is a chat.</summary>
public static class MessagesRequest
{
    /// <summary>
    /// Reads a request body as the chat that it asks for. Fails with 400 for what is wrong or not served, 413 for a
    /// body over the limit. Never throws on any bytes.
    /// </summary>
    public static ParseResult<ChatRequest> Parse(ReadOnlyMemory<byte> utf8, ChatLimits? limits = null) =>
        Parse(utf8, limits ?? ChatLimits.Default, isCounted: false);

    /// <summary>Reads a request to <c>/v1/messages/count_tokens</c>, which needs no limit of tokens.</summary>
    public static ParseResult<ChatRequest> ParseToCount(ReadOnlyMemory<byte> utf8, ChatLimits? limits = null) =>
        Parse(utf8, limits ?? ChatLimits.Default, isCounted: true);

    private static ParseResult<ChatRequest> Parse(ReadOnlyMemory<byte> utf8, ChatLimits limits, bool isCounted)
    {
        var opened = ForeignRequest.Open(utf8, limits);
        if (!opened.IsOk)
        {
            return opened.Error;
        }

        var fields = new FieldReader(opened.Value, "");
        ForeignRequest.Refuse(fields, "container", "nothing but the model runs here.");
        ForeignRequest.Refuse(fields, "mcp_servers", "nothing but the model runs here.");
        var messages = new TurnReader(fields, limits).Read();
        var settings = ChatSettings.Read(fields, limits, isCounted);
        if (fields.Error is not null)
        {
            return fields.Error;
        }

        var chat = ForeignRequest.ToChat(messages, settings.Write, limits);
        return chat.IsOk ? chat.Value with { Root = opened.Value } : InOwnWords(chat.Error);
    }

    /// <summary>An error about the chat that was bought, in the words of what the app sent.</summary>
    public static OpenAiError InOwnWords(OpenAiError error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return error.Param switch
        {
            null => error,
            "max_completion_tokens" => ForeignRequest.Renamed(error, error.Param, "max_tokens"),
            "reasoning_effort" => ForeignRequest.Renamed(error, error.Param, "output_config.effort"),
            _ when error.Param.StartsWith("stop", StringComparison.Ordinal) =>
                ForeignRequest.Renamed(error, error.Param, "stop_sequences" + error.Param["stop".Length..]),
            _ when error.Param.StartsWith("response_format", StringComparison.Ordinal) =>
                ForeignRequest.RenamedFormat(error, "output_config.format"),
            _ when error.Param.Contains("].function.", StringComparison.Ordinal) =>
                ForeignRequest.Renamed(
                    error, error.Param, error.Param.Replace("].function.", "].", StringComparison.Ordinal)),
            _ => error,
        };
    }
}
