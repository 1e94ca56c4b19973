using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Souk.Wire;
using Souk.Wire.Http;

namespace Souk.Cli.Hosting;

/// <summary>One Kestrel listener and what is mapped on it.</summary>
internal static class NodeHost
{
    /// <summary>How long an orderly stop waits for running requests to end.</summary>
    public static readonly TimeSpan DrainPatience = TimeSpan.FromSeconds(20);

    /// <summary>Starts a host that listens on one address.</summary>
    /// <param name="address">Where; loopback unless the owner says otherwise.</param>
    /// <param name="port">The port.</param>
    /// <param name="certificates">Certificates of a node link; null for plain HTTP.</param>
    /// <param name="limits">What peers are granted.</param>
    /// <param name="logs">Where its logs go.</param>
    /// <param name="services">Adds what runs with the host.</param>
    /// <param name="map">Maps the handlers.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<WebApplication> StartAsync(
        IPAddress address,
        int port,
        NodeCertificateStore? certificates,
        WireLimits limits,
        ILoggerFactory logs,
        Action<IServiceCollection> services,
        Action<IEndpointRouteBuilder> map,
        CancellationToken cancellation)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(logs);
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = DrainPatience);
        builder.WebHost.UseKestrelHttpsConfiguration();
        // What arrives is passed on by the thread that read it, instead of by a second one that is woken for it.
        // Whatever takes long there holds up its own connection only (docs/decisions/cli-thread-pool.md).
        builder.WebHost.UseSockets(static sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.UseWireLimits(limits).Listen(address, port, listen =>
        {
            if (certificates is not null)
            {
                listen.UseNodeTls(certificates);
            }
            else
            {
                listen.Protocols = HttpProtocols.Http1;
            }
        }));
        services(builder.Services);
        var app = builder.Build();
        map(app);
        await app.StartAsync(cancellation);
        return app;
    }

    // Signals are the command's: it stops its hosts in order, and a host must not stop by itself before its turn.
    internal sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
