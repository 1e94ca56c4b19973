using Souk.Wire.Paid;

namespace Souk.Wire;

/// <summary>Short forms of the usual answers.</summary>
public static class WireResponses
{
    /// <summary>Sends a whole JSON body.</summary>
    public static async ValueTask SendJsonAsync(
        this IWireResponse response,
        int status,
        ReadOnlyMemory<byte> json,
        CancellationToken cancellation,
        WireHeaders? headers = null)
    {
        headers ??= new(2);
        headers["content-type"] = "application/json";
        headers["content-length"] = json.Length.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await response.StartAsync(status, headers, cancellation);
        if (!json.IsEmpty)
        {
            await response.WriteAsync(json, cancellation);
        }
    }

    /// <summary>Sends a node-link error object.</summary>
    public static ValueTask SendErrorAsync(
        this IWireResponse response, WireError error, CancellationToken cancellation, WireHeaders? headers = null) =>
        response.SendJsonAsync(error.Status, error.ToJson(), cancellation, headers);
}
