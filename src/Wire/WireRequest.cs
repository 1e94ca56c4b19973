namespace Souk.Wire;

/// <summary>
/// One request, its body already read and bounded by whatever carried it. <paramref name="Path"/> is percent-encoded
/// and begins with one slash; <paramref name="Query"/> has no question mark; <paramref name="Peer"/> names the other
/// side for limits and logs (an IP address on a real network) and is no proof of identity.
/// </summary>
public sealed record WireRequest(
    string Method, string Path, string Query, WireHeaders Headers, ReadOnlyMemory<byte> Body, string Peer)
{
    private const int MostQueryParts = 64;

    /// <summary>The name that the sender believes to speak to, without the port; empty where it named none. A browser
    /// that was led here by another's name says that name.</summary>
    public string HostName
    {
        get
        {
            var host = Headers["host"] ?? "";
            var colon = host.LastIndexOf(':');
            return colon > host.LastIndexOf(']') ? host[..colon] : host;
        }
    }

    /// <summary>How long to wait for the reply's headers; null for as long as the client does. A server that buffers
    /// its answer sends them when the work is done.</summary>
    public TimeSpan? Patience { get; init; }

    /// <summary>A request to send: no query, no body, no peer.</summary>
    public static WireRequest Get(string path, string query = "") => new("GET", path, query, [], default, "");

    /// <summary>A request to send that carries JSON.</summary>
    public static WireRequest Json(string method, string path, ReadOnlyMemory<byte> body) =>
        new(method, path, "", new WireHeaders(2) { { "content-type", "application/json" } }, body, "");

    /// <summary>The first value of a query parameter, unescaped, or null where absent or malformed.</summary>
    public string? QueryValue(string name)
    {
        var rest = Query.AsSpan();
        for (var part = 0; part < MostQueryParts && !rest.IsEmpty; part++)
        {
            var end = rest.IndexOf('&');
            var pair = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            var equals = pair.IndexOf('=');
            var key = equals < 0 ? pair : pair[..equals];
            if (key.SequenceEqual(name))
            {
                return equals < 0 ? "" : Uri.UnescapeDataString(pair[(equals + 1)..].ToString().Replace('+', ' '));
            }
        }

        return null;
    }
}
