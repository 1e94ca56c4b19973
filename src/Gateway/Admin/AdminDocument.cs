namespace Souk.Gateway.Admin;

/// <summary>The OpenAPI document of the admin API.</summary>
internal static class AdminDocument
{
    /// <summary>Where it is served, to the owner only.</summary>
    public const string Path = "/admin/v1/openapi.json";

    /// <summary>The document, as JSON.</summary>
    public static ReadOnlyMemory<byte> Json { get; } = Read();

    private static byte[] Read()
    {
        using var resource =
            typeof(AdminDocument).Assembly.GetManifestResourceStream("Souk.Gateway.openapi-admin.json")!;
        using var bytes = new MemoryStream();
        resource.CopyTo(bytes);
        return bytes.ToArray();
    }
}
