using Microsoft.Extensions.Logging;

namespace Souk.Wire.Http;

internal static partial class WireEndpointLog
{
    // The path is left out: it can hold a request id, which is a right.
    [LoggerMessage(1, LogLevel.Error, "A {Method} request failed inside the handler")]
    public static partial void HandlerFailed(this ILogger log, string method, Exception error);

    [LoggerMessage(2, LogLevel.Debug, "The peer left a {Method} request before its end")]
    public static partial void PeerLeft(this ILogger log, string method);
}
