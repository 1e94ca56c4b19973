using System.Text.Json;

namespace Souk.Chain.Tests;

/// <summary>The repository's folder of published vectors.</summary>
internal static class VectorFiles
{
    public static string Root { get; } = FindRoot();

    public static JsonElement Read(string path) =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Root, "vectors", path))).RootElement;

    public static byte[] Hex(string text) =>
        Convert.FromHexString(text.StartsWith("0x", StringComparison.Ordinal) ? text[2..] : text);

    public static byte[] Hex(JsonElement element, string name) => Hex(element.GetProperty(name).GetString()!);

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Souk.slnx")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The tests run outside the repository.");
        }

        return folder.FullName;
    }
}
