using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Souk.Wire;
using Souk.Wire.Http;

namespace Souk.Provider.Watch;

/// <summary>Puts a watchtower into an ASP.NET host.</summary>
public static class WatchEndpoints
{
    /// <summary>Runs the node with the host. The node is already started.</summary>
    public static IServiceCollection AddWatch(this IServiceCollection services, WatchNode node) =>
        services.AddNode(node.RunAsync);

    /// <summary>Serves the node link under its paths.</summary>
    public static IEndpointConventionBuilder MapWatch(
        this IEndpointRouteBuilder endpoints, WatchNode node, WireLimits limits)
    {
        ArgumentNullException.ThrowIfNull(node);
        return endpoints.MapWire(node.Handler, limits);
    }
}
