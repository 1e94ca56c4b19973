using Souk.Protocol;

namespace Souk.Engines.Files;

/// <summary>A whole model directory, verified: its small files parsed, its weights found and hashed.</summary>
internal sealed record ModelDirectory(
    string Name, string OnnxPath, TokenizerFiles Tokens, IReadOnlyList<ManifestEntry> Files, string WeightType)
{
    private static readonly string[] UsualPlaces = ["model.onnx", "onnx/model.onnx"];

    /// <summary>Reads and hashes every file that decides what the model answers; others (README, other formats of the
    /// same weights) are no part of it.</summary>
    /// <param name="known">The small files, where they were read already.</param>
    /// <param name="further">Files of the directory that decide it too, beside weights and tokenizer.</param>
    /// <exception cref="EngineException">Ours: a file is missing, unsafe, too large or unsupported.</exception>
    public static async Task<ModelDirectory> ReadAsync(
        string directory, string? onnxFile, long maxWeights, CancellationToken cancellationToken,
        TokenizerFiles? known = null, IReadOnlyList<string>? further = null)
    {
        var root = new ModelRoot(directory);
        var tokens = known ?? await TokenizerFiles.ReadAsync(root, cancellationToken);
        string onnx = onnxFile ?? Find(root);
        string onnxPath = root.Resolve(onnx);
        OnnxWeights weights;
        await using (var file = root.Open(onnx))
        {
            weights = OnnxWeights.Read(file);
        }

        string folder = Path.GetDirectoryName(onnx) ?? "";
        List<string> paths =
        [
            onnx, .. weights.ExternalFiles.Select(file => Path.Combine(folder, file)), .. tokens.PublicFiles.Keys,
            .. further ?? [],
        ];
        List<ManifestEntry> hashed = [];
        foreach (string path in paths.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            var (hash, size) = await root.HashAsync(path, maxWeights, cancellationToken);
            hashed.Add(new ManifestEntry(path.Replace('\\', '/'), Bytes32.FromBytes(hash), (ulong)size));
        }

        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)));
        return new ModelDirectory(name, onnxPath, tokens, hashed, weights.WeightType);
    }

    /// <summary>The usual file, or the only one; which of several quantisations is meant is for the owner to say.
    /// </summary>
    private static string Find(ModelRoot root)
    {
        if (UsualPlaces.FirstOrDefault(root.Has) is { } usual)
        {
            return usual;
        }

        var found = root.List(["", "onnx"], ".onnx");
        return found switch
        {
            [var only] => only,
            [] => throw new EngineException(
                Fault.Ours, "model_missing", $"The model lacks an ONNX file: {string.Join(" or ", UsualPlaces)}."),
            _ => throw new EngineException(
                Fault.Ours, "model_ambiguous",
                $"The model has several ONNX files and no {UsualPlaces[0]}; say which: {string.Join(", ", found)}."),
        };
    }
}
