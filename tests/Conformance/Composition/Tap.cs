using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Souk.Conformance.Composition;

/// <summary>What passed the link for one paid request.</summary>
/// <param name="Id">Its request id.</param>
/// <param name="Body">What the gateway sent.</param>
internal sealed record TappedRequest(string Id, JsonElement Body)
{
    /// <summary>Token ids by choice, in the order in which they came.</summary>
    public SortedDictionary<int, List<int>> Ids { get; } = [];
}

/// <summary>
/// Stands on the plain link between gateway and provider, passes everything on as it is, and writes down the token ids
/// of every answer. It reads the bytes itself; nothing of the product helps it.
/// </summary>
internal sealed class Tap : IAsyncDisposable
{
    private readonly HttpClient _provider;
    private WebApplication _server = null!;

    private Tap(Uri provider)
    {
        var handler = new SocketsHttpHandler { UseProxy = false, AutomaticDecompression = DecompressionMethods.None };
        _provider = new HttpClient(handler) { BaseAddress = provider, Timeout = Timeout.InfiniteTimeSpan };
    }

    public Uri Url { get; private set; } = null!;

    /// <summary>Everything that was asked of the provider, by request id.</summary>
    public ConcurrentDictionary<string, TappedRequest> Requests { get; } = new();

    public static async Task<Tap> StartAsync(Uri provider)
    {
        var tap = new Tap(provider);
        var port = Places.OnePort();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        tap._server = builder.Build();
        tap._server.Run(tap.PassAsync);
        await tap._server.StartAsync();
        tap.Url = new Uri($"http://127.0.0.1:{port}");
        return tap;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _provider.Dispose();
    }

    private async Task PassAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        using var request = new HttpRequestMessage(
            new HttpMethod(context.Request.Method), context.Request.Path + context.Request.QueryString);
        request.Content = body.Length > 0 ? new ByteArrayContent(body.ToArray()) : null;
        foreach (var (name, values) in context.Request.Headers.Where(header =>
            header.Key is not ("Host" or "Content-Length")))
        {
            if (!request.Headers.TryAddWithoutValidation(name, values.AsEnumerable()))
            {
                request.Content?.Headers.TryAddWithoutValidation(name, values.AsEnumerable());
            }
        }

        TappedRequest? tapped = null;
        if (context.Request.Path == "/souk/v1/chat/completions")
        {
            tapped = new TappedRequest(
                context.Request.Headers["souk-request-id"].ToString(), JsonDocument.Parse(body.ToArray()).RootElement);
            Requests[tapped.Id] = tapped;
        }

        using var reply = await _provider.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead, context.RequestAborted);
        context.Response.StatusCode = (int)reply.StatusCode;
        foreach (var (name, values) in reply.Headers.Concat(reply.Content.Headers)
            .Where(header => header.Key is not ("Transfer-Encoding" or "Connection")))
        {
            context.Response.Headers[name] = values.ToArray();
        }

        context.Features.Get<IHttpResponseBodyFeature>()!.DisableBuffering();
        await CopyAsync(reply, context, tapped);
    }

    private static async Task CopyAsync(HttpResponseMessage reply, HttpContext context, TappedRequest? tapped)
    {
        await using var from = await reply.Content.ReadAsStreamAsync(context.RequestAborted);
        var buffer = new byte[16 << 10];
        using var line = new MemoryStream();
        while (await from.ReadAsync(buffer, context.RequestAborted) is var count and > 0)
        {
            if (tapped is not null)
            {
                Listen(buffer.AsSpan(0, count), line, tapped);
            }

            await context.Response.Body.WriteAsync(buffer.AsMemory(0, count), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }

    private static void Listen(ReadOnlySpan<byte> bytes, MemoryStream line, TappedRequest tapped)
    {
        foreach (var one in bytes)
        {
            if (one != (byte)'\n')
            {
                line.WriteByte(one);
                continue;
            }

            var text = Encoding.UTF8.GetString(line.ToArray()).TrimEnd('\r');
            line.SetLength(0);
            if (text.StartsWith("data: {", StringComparison.Ordinal))
            {
                Take(JsonDocument.Parse(text[6..]).RootElement, tapped);
            }
        }
    }

    private static void Take(JsonElement chunk, TappedRequest tapped)
    {
        if (!chunk.TryGetProperty("choices", out var choices))
        {
            return;
        }

        foreach (var choice in choices.EnumerateArray())
        {
            if (choice.TryGetProperty("token_ids", out var ids) && ids.ValueKind == JsonValueKind.Array)
            {
                var index = choice.GetProperty("index").GetInt32();
                lock (tapped)
                {
                    tapped.Ids.TryAdd(index, []);
                    tapped.Ids[index].AddRange(ids.EnumerateArray().Select(id => id.GetInt32()));
                }
            }
        }
    }
}
