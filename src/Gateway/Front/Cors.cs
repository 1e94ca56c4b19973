using Souk.Wire;

namespace Souk.Gateway.Front;

/// <summary>
/// Which web pages may use the front door. None by default: a page that a visitor happens to open must not reach a
/// gateway on the visitor's machine. The owner lists the origins of pages that may.
/// </summary>
internal sealed class Cors(IReadOnlyList<string> allowed)
{
    private const int MostHeaderCharacters = 2_048;
    private const string Any = "*";

    /// <summary>What a page's script may read of a reply, beside its body.</summary>
    private const string Exposed =
        "x-request-id, x-should-retry, retry-after, retry-after-ms, idempotent-replayed, x-ratelimit-limit-requests, "
        + "x-ratelimit-remaining-requests, x-ratelimit-reset-requests, x-ratelimit-limit-tokens, "
        + "x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens";

    /// <summary>Whether a text is an origin as browsers send it, or <c>*</c> for any.</summary>
    public static bool IsOrigin(string text) => text == Any
        || (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            && text == url.GetLeftPart(UriPartial.Authority));

    /// <summary>The response as a page of the request's origin may read it; the same one where it may not.</summary>
    public IWireResponse Open(WireRequest request, IWireResponse response)
    {
        if (allowed.Count == 0)
        {
            return response;
        }

        // Without this a cache could give one origin's answer to another.
        WireHeaders more = new(3) { { "vary", "Origin" } };
        if (Allowed(request) is { } origin)
        {
            more.Add("access-control-allow-origin", origin);
            more.Add("access-control-expose-headers", Exposed);
        }

        return new HeaderedResponse(response, more);
    }

    /// <summary>The answer to a browser's question before a request; null where this is no such question.</summary>
    public WireHeaders? Preflight(WireRequest request)
    {
        if (request.Method != "OPTIONS" || Allowed(request) is null
            || request.Headers["access-control-request-method"] is null)
        {
            return null;
        }

        WireHeaders headers = new(6) { { "access-control-allow-methods", "GET, HEAD, POST" } };
        if (request.Headers["access-control-request-headers"] is { Length: <= MostHeaderCharacters } wanted)
        {
            headers.Add("access-control-allow-headers", wanted);
        }

        if (request.Headers["access-control-request-private-network"] == "true")
        {
            headers.Add("access-control-allow-private-network", "true");
        }

        headers.Add("access-control-max-age", "600");
        return headers;
    }

    private string? Allowed(WireRequest request) => request.Headers["origin"] is { } origin
        && (allowed.Contains(origin, StringComparer.Ordinal) || allowed.Contains(Any, StringComparer.Ordinal))
            ? origin
            : null;

    private sealed class HeaderedResponse(IWireResponse inner, WireHeaders more) : IWireResponse
    {
        public ValueTask StartAsync(int status, WireHeaders headers, CancellationToken cancellation)
        {
            foreach (var (name, value) in more)
            {
                headers[name] = value;
            }

            return inner.StartAsync(status, headers, cancellation);
        }

        public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation) =>
            inner.WriteAsync(data, cancellation);
    }
}
