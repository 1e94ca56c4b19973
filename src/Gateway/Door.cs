using System.Globalization;
using Souk.OpenAi.Errors;
using Souk.Protocol;
using Souk.Wire;

namespace Souk.Gateway;

/// <summary>What every answer to an app has in common.</summary>
internal static class Door
{
    /// <summary>
    /// The headers of an answer: the request's id, by which its owner finds the receipt, under the names that OpenAI's
    /// and Anthropic's SDKs look for.
    /// </summary>
    public static WireHeaders Headers(RequestId request) =>
        new(6) { { "x-request-id", Name(request) }, { "request-id", Name(request) } };

    /// <summary>How an app sees a request's id.</summary>
    public static string Name(RequestId request) => $"req_{request}";

    /// <summary>The Authorization header, or what Anthropic's SDKs send instead of it in its form.</summary>
    public static string? Credential(WireRequest request) =>
        request.Headers["authorization"]
        ?? (request.Headers["x-api-key"] is { } key ? "Bearer " + key : null);

    /// <summary>An error in OpenAI's shape, or in the one given; what may work in a moment says when.</summary>
    public static ValueTask SendErrorAsync(
        IWireResponse response, OpenAiError error, WireHeaders headers, CancellationToken cancellation,
        byte[]? body = null)
    {
        if (error.Status is 429 or 503)
        {
            headers["retry-after"] ??= 1.ToString(CultureInfo.InvariantCulture);
        }

        return response.SendJsonAsync(error.Status, body ?? error.ToJson(), cancellation, headers);
    }
}
