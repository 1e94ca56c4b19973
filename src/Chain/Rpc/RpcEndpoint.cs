using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
// This file is the adapter to real sockets: everything above it goes through SendAsync.
#pragma warning disable RS0030 // HttpClient is banned outside adapters; this is the chain's only one.

namespace Souk.Chain.Rpc;

/// <summary>
/// One node's URL. Hosted nodes carry the customer's key in path, query or user, so only host and port ever appear in
/// text.
/// </summary>
internal sealed class RpcEndpoint : IDisposable
{
    private readonly HttpClient _client;
    private readonly Uri _url;
    private readonly AuthenticationHeaderValue? _credentials;
    private readonly RpcOptions _options;
    private readonly TimeProvider _time;

    public RpcEndpoint(Uri url, RpcOptions options, TimeProvider time)
    {
        if (!url.IsAbsoluteUri || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps))
        {
            throw new ArgumentException("An RPC URL starts with http:// or https://.", nameof(url));
        }

        _options = options;
        _time = time;
        Name = $"{url.Host}:{url.Port}";
        if (url.UserInfo.Length > 0)
        {
            var user = Encoding.UTF8.GetBytes(Uri.UnescapeDataString(url.UserInfo));
            _credentials = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(user));
        }

        _url = new UriBuilder(url) { UserName = "", Password = "" }.Uri;
        _client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.GZip,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            UseCookies = false,
        })
        {
            Timeout = System.Threading.Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>Host and port: all that may be shown.</summary>
    public string Name { get; }

    /// <summary>Sends one body and returns the whole reply.</summary>
    /// <exception cref="NodeException">Anything that went wrong with this node.</exception>
    public async Task<ReadOnlyMemory<byte>> SendAsync(byte[] body, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(_options.Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, _url);
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.Authorization = _credentials;
            using var reply = await _client.SendAsync(
                request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            // Some nodes answer JSON-RPC errors with status 400 or 500: the body says more, if it is JSON.
            var bytes = await ReadAsync(reply, either.Token);
            return reply.IsSuccessStatusCode || bytes.Span.TrimStart(" \r\n\t"u8).StartsWith("{"u8)
                ? bytes
                : throw new NodeException($"HTTP status {(int)reply.StatusCode}");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new NodeException($"no reply within {_options.Timeout.TotalSeconds:0.#} s");
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or SocketException
            or InvalidDataException)
        {
            throw new NodeException(Describe(failure), failure);
        }
    }

    public void Dispose() => _client.Dispose();

    // The exceptions' own messages may carry the URL.
    private static string Describe(Exception failure) => failure switch
    {
        HttpRequestException { InnerException: SocketException socket } =>
            $"cannot connect ({socket.SocketErrorCode})",
        HttpRequestException http => $"the connection failed ({http.HttpRequestError})",
        _ => $"the connection broke ({failure.GetType().Name})",
    };

    private async Task<ReadOnlyMemory<byte>> ReadAsync(HttpResponseMessage reply, CancellationToken cancellation)
    {
        await using var stream = await reply.Content.ReadAsStreamAsync(cancellation);
        var buffer = new byte[Math.Min(16 * 1024, _options.MaxReplyBytes)];
        var length = 0;
        while (true)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length), cancellation);
            if (read == 0)
            {
                return buffer.AsMemory(0, length);
            }

            length += read;
            if (length < buffer.Length)
            {
                continue;
            }

            if (length >= _options.MaxReplyBytes)
            {
                throw new NodeException($"the reply is larger than {_options.MaxReplyBytes} bytes");
            }

            Array.Resize(ref buffer, (int)Math.Min((long)buffer.Length * 2, _options.MaxReplyBytes));
        }
    }
}
