using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Souk.Wire;
using Souk.Wire.Http;

namespace Souk.Indexer;

/// <summary>Puts an indexer into an ASP.NET host.</summary>
public static class IndexerEndpoints
{
    /// <summary>Runs the node with the host.</summary>
    public static IServiceCollection AddIndexer(this IServiceCollection services, IndexerNode node) =>
        services.AddNode(node.RunAsync);

    /// <summary>Serves the node's paths.</summary>
    public static IEndpointConventionBuilder MapIndexer(
        this IEndpointRouteBuilder endpoints, IndexerNode node, WireLimits limits)
    {
        ArgumentNullException.ThrowIfNull(node);
        return endpoints.MapWire(node.Handler, limits);
    }
}
