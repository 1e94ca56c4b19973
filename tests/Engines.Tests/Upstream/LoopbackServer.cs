using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Souk.Engines.Upstream;

namespace Souk.Engines.Tests.Upstream;

/// <summary>A server on loopback that answers as a test says: real sockets, real HTTP.</summary>
internal sealed class LoopbackServer : IAsyncDisposable
{
    public const string Probe = """
        data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"a"},"finish_reason":"length"}]}

        data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}

        data: [DONE]


        """;

    /// <summary>A probe's answer by a server that gives token ids.</summary>
    public const string ProbeWithIds = """
        data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"length","token_ids":[7]}]}

        data: [DONE]


        """;

    /// <summary>A list of models by a server that nobody knows, so that only its trials speak for it.</summary>
    public const string UnknownServer = """{"data":[{"id":"m","owned_by":"someone"}]}""";

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

    /// <summary>How text completions are answered, trials included; null leaves it to <see cref="Capable"/>.</summary>
    public Func<HttpContext, Task>? Complete { get; set; }

    /// <summary>How embeddings are answered; null for a server without them.</summary>
    public Func<HttpContext, Task>? Embed { get; set; }

    /// <summary>How trials are answered unless <see cref="Trial"/> does it.</summary>
    public CapableServer Capable { get; set; } = new();

    /// <summary>How trials of features are answered; null leaves it to <see cref="Capable"/>.</summary>
    public Func<HttpContext, Task>? Trial { get; set; }

    /// <summary>Bodies of all chat completions asked for, the probe's included and trials left out.</summary>
    public List<string> Asked { get; } = [];

    /// <summary>Completes when the client has gone from the last chat completion.</summary>
    public TaskCompletionSource Left { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="port">Where to listen; 0 takes a free one.</param>
    /// <param name="certificate">With it the server speaks TLS.</param>
    public static async Task<LoopbackServer> StartAsync(int port = 0, X509Certificate2? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, port, listen =>
        {
            if (certificate is not null)
            {
                listen.UseHttps(certificate);
            }
        }));
        var server = new LoopbackServer(builder.Build());
        server.app.MapGet("/v1/models", () => Results.Text(server.Models, "application/json"));
        server.app.MapPost("/v1/chat/completions", server.HandleAsync);
        server.app.MapPost("/v1/completions", context =>
            server.Complete?.Invoke(context) ?? context.Response.WriteAsync(server.Capable.Completion()));
        server.app.MapPost("/v1/embeddings", context =>
            server.Embed?.Invoke(context) ?? Task.FromResult(context.Response.StatusCode = 404));
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
        await WriteAsync(context, text);
    }

    /// <summary>Sends some more of a reply at once.</summary>
    public static async Task WriteAsync(HttpContext context, string text)
    {
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text));
        await context.Response.Body.FlushAsync();
    }

    /// <summary>The whole body of a request; it can be read once more afterwards.</summary>
    public static async Task<string> BodyAsync(HttpContext context)
    {
        context.Request.EnableBuffering();
        context.Request.Body.Position = 0;
        using var reader = new StreamReader(context.Request.Body, leaveOpen: true);
        return await reader.ReadToEndAsync();
    }

    /// <summary>Answers a trial as a server of these abilities does.</summary>
    public static async Task ObeyAsync(HttpContext context, CapableServer capable, string body)
    {
        using var asked = JsonDocument.Parse(body);
        await StreamAsync(context, capable.Chat(asked.RootElement));
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero, TimeProvider.System);
        await app.StopAsync(now.Token);
        await app.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        string body = await BodyAsync(context);
        if (body.Contains(UpstreamTrials.Question, StringComparison.Ordinal))
        {
            await (Trial?.Invoke(context) ?? ObeyAsync(context, Capable, body));
            return;
        }

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

        HttpProtocol = context.Request.Protocol;
        Authorization = context.Request.Headers.Authorization.ToString();
        AcceptEncoding = context.Request.Headers.AcceptEncoding.ToString();
        context.RequestAborted.Register(() => Left.TrySetResult());
        await Answer(context);
    }

    /// <summary>Whether the first question is answered by <see cref="ProbeText"/> rather than <see cref="Answer"/>.
    /// </summary>
    public bool ProbePasses { get; set; } = true;

    public string ProbeText { get; set; } = Probe;

    /// <summary>How the last request came, such as "HTTP/1.1".</summary>
    public string HttpProtocol { get; private set; } = "";

    /// <summary>How the last request said who it is.</summary>
    public string Authorization { get; private set; } = "";

    /// <summary>What the last request said it takes.</summary>
    public string AcceptEncoding { get; private set; } = "";
}
