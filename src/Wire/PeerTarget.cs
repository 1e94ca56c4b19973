using Souk.Protocol;

namespace Souk.Wire;

/// <summary>
/// Where a peer is and which key its certificate must have. <paramref name="SpkiHash"/> is the SHA-256 of the
/// certificate's SubjectPublicKeyInfo (RFC 7469); null only for plain HTTP on loopback.
/// </summary>
public sealed record PeerTarget(Uri Endpoint, Bytes32? SpkiHash)
{
    /// <summary>The longest endpoint that is read, in characters.</summary>
    public const int MostEndpointCharacters = 256;

    /// <summary>Whether its certificate is an ordinary web server's, which the system's authorities vouch for: for
    /// servers that are no nodes and so have no pin.</summary>
    public bool IsWeb { get; init; }

    /// <summary>
    /// Reads an endpoint as a peer states it: an origin and nothing else, https, or http on loopback.
    /// </summary>
    public static Result<PeerTarget> Parse(string endpoint, Bytes32? spkiHash)
    {
        if (endpoint.Length > MostEndpointCharacters)
        {
            return Bad("is longer than 256 characters");
        }

        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) || uri.Host.Length == 0)
        {
            return Bad("is no absolute URL");
        }

        if (uri.UserInfo.Length > 0 || uri.AbsolutePath != "/" || uri.Query.Length > 0 || uri.Fragment.Length > 0)
        {
            return Bad("holds more than scheme, host and port");
        }

        return uri.Scheme switch
        {
            "https" when spkiHash is null => Bad("is https, but no certificate pin is known"),
            "https" => new PeerTarget(uri, spkiHash),
            "http" when uri.IsLoopback => new PeerTarget(uri, null),
            "http" => Bad("is plain http and not on loopback"),
            _ => Bad("is neither https nor http"),
        };
    }

    /// <summary>Reads the origin of a web server as its user gives it: https, or http on loopback.</summary>
    public static Result<PeerTarget> ParseWeb(string origin) =>
        Parse(origin, Bytes32.Zero).TryGet(out var target, out var refusal)
            ? target with { SpkiHash = null, IsWeb = target.Endpoint.Scheme == "https" }
            : refusal;

    /// <summary>The same target read again, with every check; for transports, which may be handed anything.</summary>
    public Result<PeerTarget> Checked() =>
        IsWeb ? ParseWeb(Endpoint.OriginalString) : Parse(Endpoint.OriginalString, SpkiHash);

    /// <summary>
    /// Reads the URL of an indexer as its operator gives it: an origin, with the certificate's pin behind a # where it
    /// is https, as in <c>https://indexer.example:8083#0x…</c>. There is no offer that could state the pin.
    /// </summary>
    public static Result<PeerTarget> ParsePinned(string url)
    {
        var hash = url.IndexOf('#', StringComparison.Ordinal);
        return hash < 0
            ? Parse(url, null)
            : Bytes32.TryParse(url[(hash + 1)..], out var pin)
                ? Parse(url[..hash], pin)
                : Bad("has no certificate pin (0x and 64 hex digits) behind its #");
    }

    private static Refusal Bad(string what) =>
        new(Fault.Theirs, WireCodes.BadEndpoint, $"The endpoint {what}; an endpoint looks like https://host:port.");
}
