using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Souk.Wire;
using Souk.Wire.Http;

namespace Souk.Conformance.Composition;

/// <summary>Kestrel on a loopback port, as the program sets it up.</summary>
internal static class LoopbackServer
{
    public static async Task<WebApplication> StartAsync(
        int port, NodeCertificateStore? certificates, WireLimits limits, ILoggerFactory logs,
        Action<IServiceCollection> services, Action<IEndpointRouteBuilder> map)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(logs);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.UseWireLimits(limits).Listen(IPAddress.Loopback, port, listen =>
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
        await app.StartAsync();
        return app;
    }
}
