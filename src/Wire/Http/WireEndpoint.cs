using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Wire.Http;

/// <summary>Puts a role's handler behind ASP.NET. All HTTP knowledge of the server side is here.</summary>
public static class WireEndpoint
{
    /// <summary>Sends every request under <paramref name="pattern"/> to <paramref name="handler"/>.</summary>
    /// <param name="endpoints">Where it is mapped.</param>
    /// <param name="handler">The role.</param>
    /// <param name="limits">What is refused before the role sees it.</param>
    /// <param name="pattern">Which paths.</param>
    /// <param name="errorBody">The JSON of such a refusal of a request to a path; null for the node link's own
    /// shape.</param>
    public static IEndpointConventionBuilder MapWire(
        this IEndpointRouteBuilder endpoints, IWireHandler handler, WireLimits limits, string pattern = "/{**path}",
        Func<WireError, string, ReadOnlyMemory<byte>>? errorBody = null)
    {
        var time = endpoints.ServiceProvider.GetService<TimeProvider>() ?? TimeProvider.System;
        var log = endpoints.ServiceProvider.GetRequiredService<ILoggerFactory>().CreateLogger("Souk.Wire");
        var served = new ServedHandler(handler, limits, errorBody ?? ((error, _) => error.ToJson()), time, log);
        return endpoints.Map(pattern, served.HandleAsync);
    }
}

internal sealed class ServedHandler(
    IWireHandler handler, WireLimits limits, Func<WireError, string, ReadOnlyMemory<byte>> errorBody, TimeProvider time,
    ILogger log)
{
    private const int DrainedBodies = 8;
    private readonly PeerGate _gate = new(limits);

    public async Task HandleAsync(HttpContext context)
    {
        var peer = PeerGate.KeyOf(context.Connection.RemoteIpAddress);
        var entered = _gate.Enter(peer);
        using var response = new HttpWireResponse(context, _gate, peer, limits, time);
        if (entered != 200)
        {
            context.Response.Headers.RetryAfter = "1";
            await RefuseAsync(context, response, WireError.Busy(entered));
            return;
        }

        try
        {
            await ServeAsync(context, response, peer);
        }
        catch (OperationCanceledException) when (response.IsStreamRefused)
        {
            context.Response.Headers.RetryAfter = "1";
            await RefuseAsync(context, response, WireError.Busy(429));
        }
        catch (OperationCanceledException) when (response.Aborted.IsCancellationRequested)
        {
            // There is nobody to answer, and the handler has been told by its token.
            log.PeerLeft(context.Request.Method);
        }
        catch (Exception e)
        {
            log.HandlerFailed(context.Request.Method, e);
            if (response.IsStarted)
            {
                // A clean end would look like a complete answer.
                context.Abort();
            }
            else
            {
                await RefuseAsync(context, response, WireError.Internal);
            }
        }
        finally
        {
            _gate.Leave(peer, response.HasStream, response.BufferedBytes);
        }
    }

    private async Task ServeAsync(HttpContext context, HttpWireResponse response, string peer)
    {
        var (body, refusal) = await ReadBodyAsync(context, response);
        if (refusal is not null)
        {
            await RefuseBodyAsync(context, response, refusal);
            return;
        }

        var request = context.Request;
        var headers = new WireHeaders(request.Headers.Count);
        foreach (var (name, values) in request.Headers)
        {
            // HTTP/2's pseudo-headers are not headers.
            for (var i = 0; i < values.Count && name[0] != ':'; i++)
            {
                headers.Add(name, values[i] ?? "");
            }
        }

        var query = request.QueryString.HasValue ? request.QueryString.Value![1..] : "";
        var wire = new WireRequest(
            request.Method, PathOf(request), query, headers, body, peer);
        await handler.HandleAsync(wire, response, response.Aborted);
        if (!response.IsStarted)
        {
            throw new InvalidOperationException("A handler returned without starting its response.");
        }
    }

    // A client that is still sending sees a reset connection, not the answer, if it is closed at once. So what it sends
    // is thrown away first, within bounds; whoever sends more than that is cut off.
    private async Task RefuseBodyAsync(HttpContext context, HttpWireResponse response, WireError refusal)
    {
        context.Response.Headers.Connection = "close";
        // Who asked before sending has not begun to.
        if (refusal.Status == 413 && context.Request.Headers.Expect.Count == 0)
        {
            using var patience = new CancellationTokenSource(limits.BodyTimeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, context.RequestAborted);
            try
            {
                await DiscardAsync(context.Request.BodyReader, (long)DrainedBodies * limits.MaxBodyBytes, either.Token);
            }
            catch (Exception broken) when (broken is OperationCanceledException or IOException)
            {
                // It sends too slowly, too much or not at all any more; it is told all the same, and closed.
            }
        }

        await RefuseAsync(context, response, refusal);
    }

    private static async ValueTask DiscardAsync(PipeReader reader, long most, CancellationToken cancellation)
    {
        for (long seen = 0; seen <= most;)
        {
            var read = await reader.ReadAsync(cancellation);
            seen += read.Buffer.Length;
            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return;
            }
        }
    }

    private async ValueTask<(ReadOnlyMemory<byte> Body, WireError? Refusal)> ReadBodyAsync(
        HttpContext context, HttpWireResponse response)
    {
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
        {
            return default;
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } most)
        {
            // Kestrel counts the framing of chunks as well, which can be several times the content.
            most.MaxRequestBodySize = (long)DrainedBodies * limits.MaxBodyBytes;
        }

        if (context.Request.ContentLength > limits.MaxBodyBytes)
        {
            return (default, WireError.BodyTooLarge(limits.MaxBodyBytes));
        }

        var reader = context.Request.BodyReader;
        await using var deadline = time.CreateTimer(
            static state => ((PipeReader)state!).CancelPendingRead(),
            reader,
            limits.BodyTimeout,
            Timeout.InfiniteTimeSpan);
        try
        {
            return await ReadAllAsync(reader, response, context.RequestAborted);
        }
        catch (BadHttpRequestException e)
        {
            return (default, e.StatusCode == 413
                ? WireError.BodyTooLarge(limits.MaxBodyBytes)
                : new(400, WireCodes.Malformed, "The request's body could not be read.", Fault.Theirs));
        }
        catch (IOException e)
        {
            // Reset by the peer, which can show here before it shows in the request's token.
            context.Abort();
            throw response.Left(e);
        }
    }

    private async ValueTask<(ReadOnlyMemory<byte>, WireError?)> ReadAllAsync(
        PipeReader reader, HttpWireResponse response, CancellationToken aborted)
    {
        while (true)
        {
            var read = await reader.ReadAsync(aborted);
            if (read.IsCanceled)
            {
                return (default, WireError.BodyTooSlow);
            }

            if (read.Buffer.Length > limits.MaxBodyBytes)
            {
                reader.AdvanceTo(read.Buffer.End);
                return (default, WireError.BodyTooLarge(limits.MaxBodyBytes));
            }

            if (!response.TryBuffer(read.Buffer.Length))
            {
                return (default, WireError.Busy(503));
            }

            if (read.IsCompleted)
            {
                var body = read.Buffer.ToArray();
                reader.AdvanceTo(read.Buffer.End);
                return (body, null);
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static string PathOf(HttpRequest request) => request.PathBase.Add(request.Path).ToUriComponent();

    private async Task RefuseAsync(HttpContext context, HttpWireResponse response, WireError error)
    {
        try
        {
            await response.SendJsonAsync(
                error.Status, errorBody(error, PathOf(context.Request)), CancellationToken.None);
        }
        catch (OperationCanceledException)
        {
            // The peer left before it could be told.
        }
    }
}
