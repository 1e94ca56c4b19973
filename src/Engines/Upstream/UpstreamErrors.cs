using Souk.OpenAi.Errors;
using Souk.Protocol;

namespace Souk.Engines.Upstream;

/// <summary>Whose fault an upstream's failure is. Only what the request itself caused is the customer's; a wrong key,
/// a missing model or a full server is the provider's.</summary>
internal static class UpstreamErrors
{
    private const int GreatestText = 300;

    /// <summary>From a reply that is no stream.</summary>
    public static EngineException FromReply(int status, byte[] body)
    {
        var error = OpenAiError.Parse(body, status);
        return status switch
        {
            400 or 413 or 422 => new EngineException(Fault.Theirs, CodeOf(error), TextOf(error)),
            408 or 504 => new EngineException(Fault.Ours, "upstream_timeout", "The upstream gave up on this request."),
            429 or 503 => new EngineException(Fault.Ours, "engine_busy", "The upstream is full. Try again elsewhere."),
            _ => new EngineException(
                Fault.Ours, "upstream_error", $"The upstream answered with status {status}.",
                new InvalidDataException(TextOf(error))),
        };
    }

    /// <summary>From an error event: work had begun, so only an explicit 4xx about the request is theirs.</summary>
    public static EngineException InStream(OpenAiError error) => error.Status is 400 or 413 or 422
        ? new EngineException(Fault.Theirs, CodeOf(error), TextOf(error))
        : new EngineException(
            Fault.Ours, "upstream_error", "The upstream broke off with an error.",
            new InvalidDataException(TextOf(error)));

    public static EngineException Protocol(string what) =>
        new(Fault.Ours, "upstream_protocol", $"The upstream {what}.");

    public static EngineException Truncated() =>
        new(Fault.Ours, "upstream_truncated", "The upstream's stream ended before the answer did.");

    private static string CodeOf(OpenAiError error) =>
        error.Code is { Length: > 0 and <= 64 } code
        && code.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_')
            ? code
            : "request_refused";

    /// <summary>One bounded line, since the text goes to a stranger and into logs.</summary>
    private static string TextOf(OpenAiError error)
    {
        string text = string.Concat(error.Message.Select(letter => char.IsControl(letter) ? ' ' : letter));
        return text.Length <= GreatestText ? text : text[..GreatestText] + "…";
    }
}
