using System.Text.Json;
using System.Text.Json.Nodes;

namespace Souk.Gateway.Front;

/// <summary>The OpenAPI document of what this gateway serves, for people, code generators and validating
/// proxies.</summary>
internal static class ApiDocument
{
    /// <summary>Where it is served.</summary>
    public const string Path = "/openapi.json";

    /// <summary>The document, cut to the routes that there are and to the schemas that those need.</summary>
    /// <exception cref="InvalidOperationException">A route is not described.</exception>
    public static byte[] For(IReadOnlyCollection<Route> routes)
    {
        using var resource = typeof(ApiDocument).Assembly.GetManifestResourceStream("Souk.Gateway.openapi.json")!;
        var document = JsonNode.Parse(resource)!.AsObject();
        var paths = document["paths"]!.AsObject();
        foreach (var route in routes)
        {
            if (paths[route.Path]?[route.Method.ToLowerInvariant()] is null)
            {
                throw new InvalidOperationException($"openapi.json does not describe {route.Method} {route.Path}.");
            }
        }

        foreach (var (path, _) in paths.Where(entry => entry.Key.StartsWith("/v1/", StringComparison.Ordinal)
            && !routes.Any(route => route.Path == entry.Key)).ToList())
        {
            paths.Remove(path);
        }

        return JsonSerializer.SerializeToUtf8Bytes(document);
    }
}
