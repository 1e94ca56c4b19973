using Souk.Cli.State;
using Souk.Protocol;

namespace Souk.Cli.ModelShelf;

/// <summary>What the data folder knows about a model that was added.</summary>
/// <param name="Name">How commands call it.</param>
/// <param name="Digest">The model digest that an offer of it states.</param>
/// <param name="Kind">"text" or "embeddings".</param>
/// <param name="Context">Greatest prompt + output, in tokens.</param>
/// <param name="Bytes">All files together.</param>
/// <param name="Directory">Where the files are; inside the data folder unless they stayed where they were.</param>
/// <param name="OnnxFile">The .onnx file, relative to the directory.</param>
/// <param name="Source">What was added.</param>
internal sealed record ShelvedModel(
    string Name, string Digest, string Kind, int Context, ulong Bytes, string Directory, string OnnxFile,
        string Source);

/// <summary>Models that were added, each in a folder of its own under the data folder's models/: model.json says what
/// it is, manifest.json lists its files with their hashes, files/ holds them.</summary>
internal sealed class Shelf(DataDirectory data)
{
    private const int LongestName = 64;

    /// <summary>Letters, digits, dot, dash and underscore, so that a name is a folder and nothing else.</summary>
    public static Refusal? Flaw(string name) =>
        name.Length is > 0 and <= LongestName && char.IsAsciiLetterOrDigit(name[0])
        && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '-' or '_')
            ? null
            : new Refusal(
                Fault.Theirs, "model_name",
                $"'{name}' is no name for a model: use up to {LongestName} letters, digits, '.', '-' and '_', a "
                    + $"letter or "
                    + "digit first (--name).");

    public string Folder(string name) => Path.Combine(data.Folder("models"), name);

    /// <summary>Files of a model while it is added; kept when that is interrupted, so that it can go on.</summary>
    public string Unfinished(string name) => Path.Combine(data.Folder("models"), $".{name}.part");

    public static string ManifestPath(string folder) => Path.Combine(folder, "manifest.json");

    public static string FilesPath(string folder) => Path.Combine(folder, "files");

    /// <summary>The model of a name; null where there is none.</summary>
    public ShelvedModel? Find(string name) =>
        Flaw(name) is null ? DataDirectory.ReadJson<ShelvedModel>(RecordPath(Folder(name))) : null;

    /// <summary>All models, by name.</summary>
    public IReadOnlyList<ShelvedModel> All() =>
        [.. Directory.EnumerateDirectories(data.Folder("models")).Select(Path.GetFileName).OfType<string>()
            .Where(name => !name.StartsWith('.')).Order(StringComparer.Ordinal).Select(Find).OfType<ShelvedModel>()];

    /// <summary>Writes down what a folder holds; the model exists from then on.</summary>
    public static void Record(string folder, ShelvedModel model, ModelManifest manifest)
    {
        DataDirectory.Write(ManifestPath(folder), SoukJson.ToText(manifest));
        DataDirectory.WriteJson(RecordPath(folder), model);
    }

    /// <summary>Its manifest as it was written when the model was added.</summary>
    public Result<ModelManifest> Manifest(string name) =>
        DataDirectory.Read(ManifestPath(Folder(name))) is { } text
            ? SoukJson.Parse<ModelManifest>(System.Text.Encoding.UTF8.GetBytes(text), ModelDownload.MostManifestBytes)
            : new Refusal(Fault.Ours, "model_missing",
                $"The manifest of {name} is gone; remove and add the model again.");

    private static string RecordPath(string folder) => Path.Combine(folder, "model.json");
}
