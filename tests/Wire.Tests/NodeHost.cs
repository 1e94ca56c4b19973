using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Souk.Wire.Http;

namespace Souk.Wire.Tests;

/// <summary>A real listener on a free loopback port, over plain HTTP or node TLS.</summary>
internal sealed class NodeHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private NodeHost(WebApplication app, Uri endpoint) => (_app, Endpoint) = (app, endpoint);

    public Uri Endpoint { get; }

    public PeerTarget Plain => new(Endpoint, null);

    public static async Task<NodeHost> StartAsync(
        IWireHandler handler,
        WireLimits? limits = null,
        NodeCertificateStore? certificates = null,
        Action<ListenOptions>? listen = null,
        Logged? logged = null)
    {
        limits ??= new();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (logged is not null)
        {
            builder.Logging.AddProvider(logged).SetMinimumLevel(LogLevel.Trace);
        }

        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.UseWireLimits(limits);
            kestrel.Listen(IPAddress.Loopback, 0, options =>
            {
                if (certificates is not null)
                {
                    options.UseNodeTls(certificates);
                }

                listen?.Invoke(options);
            });
        });
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromMilliseconds(100));
        var app = builder.Build();
        app.MapWire(handler, limits);
        await app.StartAsync();
        var port = new Uri(app.Urls.First()).Port;
        var scheme = certificates is null && listen is null ? "http" : "https";
        return new(app, new Uri($"{scheme}://127.0.0.1:{port}"));
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}

/// <summary>A handler from a function.</summary>
internal sealed class Handler(Func<WireRequest, IWireResponse, CancellationToken, Task> handle) : IWireHandler
{
    public Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted) =>
        handle(request, response, aborted);

    /// <summary>Answers every request with its own body.</summary>
    public static Handler Echo { get; } = new(async (request, response, aborted) =>
        await response.SendJsonAsync(200, request.Body, aborted));
}

internal static class Clients
{
    public static readonly WireClientOptions Development = new() { AllowsPrivateAddresses = true };

    public static HttpWireClient New(WireClientOptions? options = null) =>
        new(options ?? Development, TimeProvider.System);

    /// <summary>Long enough that only a hang reaches it.</summary>
    public static CancellationToken Soon => new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token;
}

/// <summary>What the room logs, in its order.</summary>
internal sealed class Logged : ILoggerProvider, ILogger
{
    private readonly System.Threading.Channels.Channel<LogLevel> _levels =
        System.Threading.Channels.Channel.CreateUnbounded<LogLevel>();

    public ValueTask<LogLevel> NextAsync() => _levels.Reader.ReadAsync(Clients.Soon);

    public ILogger CreateLogger(string categoryName) =>
        categoryName == "Souk.Wire" ? this : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter) => _levels.Writer.TryWrite(logLevel);

    public void Dispose()
    {
    }
}

/// <summary>A fresh folder, removed at the end.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("souk-wire-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>The system's clock with its wall time moved.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    public TimeSpan Shift { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Shift;
}
