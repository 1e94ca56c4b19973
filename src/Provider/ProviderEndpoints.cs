using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Souk.Wire;
using Souk.Wire.Http;

namespace Souk.Provider;

/// <summary>Puts a provider into an ASP.NET host.</summary>
public static class ProviderEndpoints
{
    /// <summary>Runs the node with the host. The node is already started and stays the caller's to dispose.</summary>
    public static IServiceCollection AddProvider(this IServiceCollection services, ProviderNode node) =>
        services.AddNode(node.RunAsync);

    /// <summary>Serves the node link under its paths.</summary>
    public static IEndpointConventionBuilder MapProvider(
        this IEndpointRouteBuilder endpoints, ProviderNode node, WireLimits limits)
    {
        ArgumentNullException.ThrowIfNull(node);
        return endpoints.MapWire(node.Handler, limits);
    }
}
