using System.Globalization;
using Souk.OpenAi.Errors;
using Souk.Protocol;
using Souk.Wire;

namespace Souk.Gateway;

/// <summary>What every answer to an app has in common.</summary>
internal static class Door
{
    /// <summary>The headers of an answer: the request's id, by which its owner finds the receipt.</summary>
    public static WireHeaders Headers(RequestId request) => new(6) { { "x-request-id", $"req_{request}" } };

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
