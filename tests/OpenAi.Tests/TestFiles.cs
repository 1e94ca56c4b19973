using System.IO.Compression;

namespace Souk.OpenAi.Tests;

/// <summary>Files that lie beside the tests.</summary>
internal static class TestFiles
{
    internal static string PathOf(params string[] parts) => Path.Combine([AppContext.BaseDirectory, .. parts]);

    internal static byte[] Read(params string[] parts)
    {
        var path = PathOf(parts);
        if (!path.EndsWith(".gz", StringComparison.Ordinal))
        {
            return File.ReadAllBytes(path);
        }

        using var zipped = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var bytes = new MemoryStream();
        zipped.CopyTo(bytes);
        return bytes.ToArray();
    }
}
