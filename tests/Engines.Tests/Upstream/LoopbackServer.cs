using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Souk.Engines.Tests.Upstream;

/// <summary>A server on loopback that answers as a test says: real sockets, real HTTP.</summary>
internal sealed class LoopbackServer : IAsyncDisposable
{
    public const string Probe = """
        data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"a"},"finish_reason":"length"}]}

        data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}

        data: [DONE]


        """;

    private readonly WebApplication app;

    private LoopbackServer(WebApplication app) => this.app = app;

    public Uri BaseUrl { get; private set; } = null!;

    /// <summary>The answer to /v1/models.</summary>
    public string Models { get; set; } =
        """{"object":"list","data":[{"id":"m","object":"model","owned_by":"vllm","max_model_len":4096}]}""";

    /// <summary>Further paths and the JSON that they answer with.</summary>
    public Dictionary<string, string> Others { get; } = [];

    /// <summary>How chat completions are answered, once the probe has passed.</summary>
    public Func<HttpContext, Task> Answer { get; set; } = context => StreamAsync(context, Probe);

    /// <summary>Bodies of all chat completions asked for, the probe's included.</summary>
    public List<string> Asked { get; } = [];

    /// <summary>Completes when the client has gone from the last chat completion.</summary>
    public TaskCompletionSource Left { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static async Task<LoopbackServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = new LoopbackServer(builder.Build());
        server.app.MapGet("/v1/models", () => Results.Text(server.Models, "application/json"));
        server.app.MapPost("/v1/chat/completions", server.HandleAsync);
        server.app.MapFallback(context => server.Others.TryGetValue(context.Request.Path, out string? json)
            ? context.Response.WriteAsync(json)
            : Task.FromResult(context.Response.StatusCode = 404));
        await server.app.StartAsync();
        var addresses = server.app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>();
        server.BaseUrl = new Uri(addresses!.Addresses.Single() + "/v1");
        return server;
    }

    public static async Task StreamAsync(HttpContext context, string text)
    {
        context.Response.ContentType = "text/event-stream; charset=utf-8";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text));
        await context.Response.Body.FlushAsync();
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero, TimeProvider.System);
        await app.StopAsync(now.Token);
        await app.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        string body = await reader.ReadToEndAsync();
        bool isProbe;
        lock (Asked)
        {
            isProbe = Asked.Count == 0;
            Asked.Add(body);
        }

        if (isProbe && ProbePasses)
        {
            await StreamAsync(context, ProbeText);
            return;
        }

        Authorization = context.Request.Headers.Authorization.ToString();
        AcceptEncoding = context.Request.Headers.AcceptEncoding.ToString();
        context.RequestAborted.Register(() => Left.TrySetResult());
        await Answer(context);
    }

    /// <summary>Whether the first question is answered by <see cref="ProbeText"/> rather than <see cref="Answer"/>.
    /// </summary>
    public bool ProbePasses { get; set; } = true;

    public string ProbeText { get; set; } = Probe;

    /// <summary>How the last request said who it is.</summary>
    public string Authorization { get; private set; } = "";

    /// <summary>What the last request said it takes.</summary>
    public string AcceptEncoding { get; private set; } = "";
}
