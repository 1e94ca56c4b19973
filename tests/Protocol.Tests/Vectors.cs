using System.Text.Json;

namespace Souk.Protocol.Tests;

/// <summary>Finds the vectors at the root of the repository.</summary>
internal static class Vectors
{
    public static string Root { get; } = FindRoot();

    public static JsonElement Read(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Root, "vectors", path)));
        return document.RootElement.Clone();
    }

    public static string Text(this JsonElement element, string name) => element.GetProperty(name).GetString()!;

    public static byte[] Hex(string text) => Convert.FromHexString(text.StartsWith("0x") ? text[2..] : text);

    public static Bytes32 Word(this JsonElement element, string name) => Bytes32.Parse(element.Text(name));

    public static int[] Ids(JsonElement element) => [.. element.EnumerateArray().Select(id => id.GetInt32())];

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Souk.slnx")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName ?? throw new InvalidOperationException("No Souk.slnx above the tests.");
    }
}
