using System.Net;
using System.Net.Http.Headers;
using Souk.Protocol;

#pragma warning disable RS0030 // This adapter is the one place that may speak HTTP to the operator's own engine.

namespace Souk.Engines.Upstream;

/// <summary>The adapter to the upstream's socket, and the only holder of an HTTP client. It follows no redirect,
/// keeps no cookie, uses no proxy and asks for no compression, so what arrives is what one server sent and no small
/// reply grows large in memory.</summary>
internal sealed class UpstreamHttp : IDisposable
{
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
        };
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

    /// <summary>At most <paramref name="most"/> bytes of a body; the rest stays unread.</summary>
    public static async Task<byte[]> ReadShortAsync(
        HttpResponseMessage reply, int most, CancellationToken cancellationToken)
    {
        await using var body = await reply.Content.ReadAsStreamAsync(cancellationToken);
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

    public void Dispose() => client.Dispose();

    private HttpRequestMessage Message(HttpMethod method, string path)
    {
        var message = new HttpRequestMessage(method, new Uri(root, path));
        message.Headers.Authorization = authorization;
        message.Headers.AcceptEncoding.ParseAdd("identity");
        return message;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            var reply = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (reply.Content.Headers.ContentEncoding.Any(coding => coding != "identity"))
            {
                reply.Dispose();
                throw new EngineException(
                    Fault.Ours, "upstream_protocol", "The upstream compressed a reply that was to be plain.");
            }

            return reply;
        }
        catch (HttpRequestException failure)
        {
            throw Unreachable(failure);
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
    public static EngineException Unreachable(Exception failure) =>
        new(Fault.Ours, "upstream_unreachable", "The upstream cannot be reached or broke off.", failure);
}
