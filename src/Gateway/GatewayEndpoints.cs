using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Scalar.AspNetCore;
using Souk.Gateway.Chat;
using Souk.Gateway.Front;
using Souk.Wire;
using Souk.Wire.Http;

namespace Souk.Gateway;

/// <summary>Puts a gateway into an ASP.NET host.</summary>
public static class GatewayEndpoints
{
    private const string Docs = "/docs";

    // Where the package's page would fetch something from elsewhere all the same, the browser does not let it.
    private const string PagePolicy = "default-src 'self'; script-src 'self' 'unsafe-inline'; "
        + "style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

    /// <summary>Runs the node with the host. The node is already started and stays the caller's to dispose.</summary>
    public static IServiceCollection AddGateway(this IServiceCollection services, GatewayNode node) =>
        services.AddNode(node.RunAsync);

    /// <summary>Serves one of the node's doors; the admin door belongs on a host of its own. The front door comes with
    /// its API rendered for people under <c>/docs</c>.</summary>
    public static IEndpointConventionBuilder MapGateway(
        this IEndpointRouteBuilder endpoints, IWireHandler door, WireLimits limits)
    {
        if (door is FrontDoor)
        {
            endpoints.MapScalarApiReference(Docs, Render).AddEndpointFilter(RestrictAsync);
        }

        return endpoints.MapWire(door, limits, errorBody: static (error, path) =>
            FrontDoor.EarlyError(AppErrors.From(error), path));
    }

    // All that the page needs is in the assembly, so that it works where nothing else is reached and tells nobody.
    private static void Render(ScalarOptions page) => page
        .WithTitle("Souk gateway").WithOpenApiRoutePattern(ApiDocument.Path).DisableDefaultFonts().DisableTelemetry()
        .DisableAgent().DisableMcp().HideDeveloperTools();

    private static ValueTask<object?> RestrictAsync(
        EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        context.HttpContext.Response.Headers.ContentSecurityPolicy = PagePolicy;
        return next(context);
    }
}
