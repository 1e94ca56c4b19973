using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using Souk.Protocol;

#pragma warning disable RS0030 // This adapter is the one place that may speak HTTP to the operator's own engine.

namespace Souk.Engines.Upstream;

/// <summary>The adapter to the upstream's socket, and the only holder of an HTTP client. It follows no redirect,
/// keeps no cookie and uses no proxy, so what arrives is what one server sent. It asks for no compression, since that
/// delays a stream, but reads what a proxy compressed all the same: readers bound what comes out.</summary>
internal sealed class UpstreamHttp : IDisposable
{
    /// <summary>No connection came about, so the upstream has seen nothing of the request.</summary>
    public const string NotConnected = "upstream_unreachable";

    private const int MaxErrorBytes = 64 * 1024;
    private const int MaxShortReply = 4 * 1024 * 1024;

    private readonly HttpClient client;
    private readonly Uri root;
    private readonly AuthenticationHeaderValue? authorization;

    public UpstreamHttp(UpstreamOptions options, string? apiKey)
    {
        root = new Uri(options.BaseUrl.AbsoluteUri.TrimEnd('/') + "/");
        authorization = apiKey is null ? null : new AuthenticationHeaderValue("Bearer", apiKey);
#pragma warning disable CA2000 // The client owns its handler.
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = options.ConnectTimeout,
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.None,
            MaxResponseHeadersLength = 64,
            MaxResponseDrainSize = 0,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            EnableMultipleHttp2Connections = true,
        };
        if (options.CertificateFile is { } file)
        {
            handler.SslOptions.RemoteCertificateValidationCallback = new TrustedCertificates(file).Accepts;
        }
#pragma warning restore CA2000
        client = new HttpClient(handler, disposeHandler: true) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>A reply whose headers have arrived; its body is still to be read, and closing it ends the work
    /// upstream.</summary>
    public async Task<HttpResponseMessage> PostAsync(string path, byte[] json, CancellationToken cancellationToken)
    {
        using var request = Message(HttpMethod.Post, path);
        request.Content = new ByteArrayContent(json);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return await SendAsync(request, cancellationToken);
    }

    /// <summary>A short reply in whole, whatever its status.</summary>
    public async Task<(int Status, byte[] Body)> GetAsync(string path, CancellationToken cancellationToken)
    {
        using var request = Message(HttpMethod.Get, path);
        using var reply = await SendAsync(request, cancellationToken);
        return ((int)reply.StatusCode, await ReadShortAsync(reply, MaxShortReply, cancellationToken));
    }

    /// <inheritdoc cref="GetAsync"/>
    public async Task<(int Status, byte[] Body)> PostShortAsync(
        string path, byte[] json, CancellationToken cancellationToken)
    {
        using var reply = await PostAsync(path, json, cancellationToken);
        return ((int)reply.StatusCode, await ReadShortAsync(reply, MaxShortReply, cancellationToken));
    }

    /// <exception cref="EngineException">The status is not 200: what the reply says of it, and whose fault it is.
    /// </exception>
    public static async Task RequireOkAsync(HttpResponseMessage reply, CancellationToken cancellationToken)
    {
        if ((int)reply.StatusCode is var status and not 200)
        {
            throw UpstreamErrors.FromReply(status, await ReadShortAsync(reply, MaxErrorBytes, cancellationToken));
        }
    }

    /// <summary>At most <paramref name="most"/> bytes of a body; the rest stays unread.</summary>
    public static async Task<byte[]> ReadShortAsync(
        HttpResponseMessage reply, int most, CancellationToken cancellationToken)
    {
        await using var body = await BodyAsync(reply, cancellationToken);
        using var read = new MemoryStream();
        byte[] piece = new byte[8192];
        while (read.Length < most)
        {
            int count = await body.ReadAsync(piece.AsMemory(0, (int)Math.Min(piece.Length, most - read.Length)),
                cancellationToken);
            if (count == 0)
            {
                break;
            }

            read.Write(piece, 0, count);
        }

        return read.ToArray();
    }

    /// <summary>A reply's body, decompressed where it came compressed. The caller bounds how much it reads.</summary>
    /// <exception cref="EngineException">Ours: compressed in a way that nobody asked for or can read.</exception>
    public static async Task<Stream> BodyAsync(HttpResponseMessage reply, CancellationToken cancellationToken)
    {
        var codings = reply.Content.Headers.ContentEncoding.Where(coding => coding != "identity").ToList();
        if (codings.Count > 1 || (codings is [var only] && only is not ("gzip" or "x-gzip" or "deflate" or "br")))
        {
            throw UpstreamErrors.Protocol("compressed a reply that was to be plain, in a way that cannot be read");
        }

        var body = await reply.Content.ReadAsStreamAsync(cancellationToken);
        return codings is not [var coding] ? body : coding switch
        {
            "br" => new BrotliStream(body, CompressionMode.Decompress),
            "deflate" => new ZLibStream(body, CompressionMode.Decompress),
            _ => new GZipStream(body, CompressionMode.Decompress),
        };
    }

    public void Dispose() => client.Dispose();

    private HttpRequestMessage Message(HttpMethod method, string path)
    {
        // Over TLS both sides settle on HTTP/2 where the server has it; in the clear it is HTTP/1.1.
        var message = new HttpRequestMessage(method, new Uri(root, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        message.Headers.Authorization = authorization;
        message.Headers.AcceptEncoding.ParseAdd("identity");
        return message;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (HttpRequestException never) when (never.HttpRequestError is HttpRequestError.ConnectionError
            or HttpRequestError.NameResolutionError)
        {
            throw new EngineException(
                Fault.Ours, NotConnected, "The upstream cannot be reached.", never);
        }
        catch (HttpRequestException untrusted) when (
            untrusted.HttpRequestError is HttpRequestError.SecureConnectionError)
        {
            throw new EngineException(
                Fault.Ours, "upstream_untrusted",
                "The upstream's certificate is not trusted. Where it is self-signed, name it (--upstream-certificate).",
                untrusted);
        }
        catch (HttpRequestException failure)
        {
            throw BrokeOff(failure);
        }
        catch (OperationCanceledException late)
            when (!cancellationToken.IsCancellationRequested && late.InnerException is TimeoutException)
        {
            throw new EngineException(
                Fault.Ours, "upstream_connect_timeout", "The upstream took too long to accept a connection.", late);
        }
    }

    /// <summary>What a transport failure is called. Its text may hold addresses inside the provider's network, so it
    /// goes into the inner exception, which the operator sees, and not into the message, which the customer
    /// sees.</summary>
    public static EngineException BrokeOff(Exception failure) =>
        new(Fault.Ours, "upstream_broke_off", "The upstream broke off.", failure);
}
