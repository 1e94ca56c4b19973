using System.Text.Json;
using Souk.Bindings;

// usage: Souk.Bindings <output folder> <abi.json> ...: writes one file per contract and one for the shared structs.
var output = Directory.CreateDirectory(args[0]).FullName;
var structs = new StructTable();
var written = new HashSet<string>(StringComparer.Ordinal);
foreach (var path in args[1..].Order(StringComparer.Ordinal))
{
    using var document = JsonDocument.Parse(File.ReadAllBytes(path));
    if (document.RootElement.TryGetProperty("abi", out var abi))
    {
        var name = Path.GetFileNameWithoutExtension(path);
        Write($"{name}Contract.g.cs", BindingWriter.Contract(name, abi, structs));
    }
}

Write("Structs.g.cs", BindingWriter.Structs(structs));
foreach (var stale in Directory.GetFiles(output, "*.g.cs").Where(file => !written.Contains(file)))
{
    File.Delete(stale);
}

void Write(string file, string text)
{
    var path = Path.Combine(output, file);
    File.WriteAllText(path, text);
    written.Add(path);
}
