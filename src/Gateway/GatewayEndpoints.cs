using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Souk.Gateway.Chat;
using Souk.Wire;
using Souk.Wire.Http;

namespace Souk.Gateway;

/// <summary>Puts a gateway into an ASP.NET host.</summary>
public static class GatewayEndpoints
{
    /// <summary>Runs the node with the host. The node is already started and stays the caller's to dispose.</summary>
    public static IServiceCollection AddGateway(this IServiceCollection services, GatewayNode node) =>
        services.AddSingleton<IHostedService>(new Runner(node));

    /// <summary>Serves one of the node's doors; the admin door belongs on a host of its own.</summary>
    public static IEndpointConventionBuilder MapGateway(
        this IEndpointRouteBuilder endpoints, IWireHandler door, WireLimits limits) =>
        endpoints.MapWire(door, limits, errorBody: static error => AppErrors.From(error).ToJson());

    private sealed class Runner(GatewayNode node) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => node.RunAsync(stoppingToken);
    }
}
