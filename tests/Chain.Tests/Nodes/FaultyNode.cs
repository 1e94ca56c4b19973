using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Souk.Chain.Tests.Nodes;

internal enum NodeFault
{
    None,
    Dropped,
    Status500,
    TooManyRequests,
    Garbage,
    Empty,
    MissingReplies,
    Slow,
    Endless,
    InternalError,
    OtherChain,
    NoBatches,
}

/// <summary>Stands between a client and a real node, and spoils what it is told to.</summary>
internal sealed class FaultyNode : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly HttpClient _client = new();
    private readonly Uri _node;

    private FaultyNode(WebApplication application, Uri node)
    {
        _application = application;
        _node = node;
    }

    public NodeFault Fault { get; set; }

    /// <summary>Replaces a whole reply: body in, reply out; null passes the request on.</summary>
    public Func<string, string?>? Rewrite { get; set; }

    public int Requests { get; private set; }

    public List<string> Bodies { get; } = [];

    /// <summary>With a path such as hosted nodes carry their customers' keys in.</summary>
    public Uri Url => new(_application.Urls.First() + "/v3/secret-project-key");

    public static async Task<FaultyNode> StartAsync(Uri node, NodeFault fault = NodeFault.None)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var application = builder.Build();
        var faulty = new FaultyNode(application, node) { Fault = fault };
        application.Run(faulty.HandleAsync);
        await application.StartAsync();
        return faulty;
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _application.StopAsync(now.Token);
        await _application.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync();
        lock (Bodies)
        {
            Requests++;
            Bodies.Add(body);
        }

        if (Rewrite?.Invoke(body) is { } rewritten)
        {
            await context.Response.WriteAsync(rewritten);
            return;
        }

        await (Fault switch
        {
            NodeFault.None => ForwardAsync(context, body),
            NodeFault.Dropped => Abort(context),
            NodeFault.Status500 => StatusAsync(context, 500),
            NodeFault.TooManyRequests => StatusAsync(context, 429),
            NodeFault.Garbage => context.Response.WriteAsync("<html>\"we are down for maintenance\"</html>"),
            NodeFault.Empty => Task.CompletedTask,
            NodeFault.MissingReplies => context.Response.WriteAsync("[]"),
            NodeFault.Slow => Task.Delay(TimeSpan.FromSeconds(30), context.RequestAborted)
                .ContinueWith(_ => { }, TaskScheduler.Default),
            NodeFault.Endless => EndlessAsync(context),
            NodeFault.InternalError => context.Response.WriteAsync(Errors(body, -32603, "internal error")),
            NodeFault.OtherChain => context.Response.WriteAsync(Results(body, "\"0x1\"")),
            _ => body.StartsWith('[')
                ? context.Response.WriteAsync(
                    "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"no batches here\"}}")
                : ForwardAsync(context, body),
        });
    }

    private static Task Abort(HttpContext context)
    {
        context.Abort();
        return Task.CompletedTask;
    }

    private static Task StatusAsync(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync("try later");
    }

    private static async Task EndlessAsync(HttpContext context)
    {
        var block = new byte[64 * 1024];
        Array.Fill(block, (byte)' ');
        while (!context.RequestAborted.IsCancellationRequested)
        {
            await context.Response.Body.WriteAsync(block, context.RequestAborted);
        }
    }

    private static string Errors(string body, int code, string message) =>
        Reply(body, $"\"error\":{{\"code\":{code},\"message\":\"{message}\"}}");

    /// <summary>The same JSON as result of each call in the body.</summary>
    public static string Results(string body, string json) => Reply(body, $"\"result\":{json}");

    private static string Reply(string body, string content)
    {
        var count = body.Split("\"method\"").Length - 1;
        var replies = Enumerable.Range(0, count).Select(id => $"{{\"jsonrpc\":\"2.0\",\"id\":{id},{content}}}");
        return body.StartsWith('[') ? $"[{string.Join(',', replies)}]" : replies.First();
    }

    private async Task ForwardAsync(HttpContext context, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var reply = await _client.PostAsync(_node, content, context.RequestAborted);
        context.Response.StatusCode = (int)reply.StatusCode;
        await context.Response.Body.WriteAsync(
            await reply.Content.ReadAsByteArrayAsync(context.RequestAborted), context.RequestAborted);
    }
}
