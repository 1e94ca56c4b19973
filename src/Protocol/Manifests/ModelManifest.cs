using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Serialization;

namespace Souk.Protocol;

/// <summary>One file of a model.</summary>
/// <param name="Path">Path within the model, with forward slashes.</param>
/// <param name="Sha256">SHA-256 of the file's bytes, as model hubs publish it.</param>
/// <param name="Size">Length in bytes.</param>
public sealed record ManifestEntry(string Path, Bytes32 Sha256, ulong Size);

/// <summary>
/// What a model is: its files, by hash. The digest of a model of one file is that file's SHA-256, so a GGUF or Ollama
/// blob needs no manifest; of several files it is a hash over all entries. A claim of the provider until audited.
/// </summary>
public sealed record ModelManifest
{
    /// <summary>Most files of one model.</summary>
    public const int MaxFiles = 4096;

    /// <summary>Longest path, in UTF-8 bytes.</summary>
    public const int MaxPath = 255;

    private const int MaxNumerics = 64;
    private readonly Lazy<(Bytes32 Digest, Bytes32 Weights, Bytes32 Tokenizer, Bytes32 Template)> _hashes;

    /// <summary>Takes entries in any order; see <see cref="FromFiles"/>.</summary>
    /// <exception cref="ArgumentException">A path is unfit or repeats, or there are none or too many.</exception>
    [JsonConstructor]
    public ModelManifest(IReadOnlyList<ManifestEntry> files, string numerics)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(numerics);
        if (files.Contains(null!))
        {
            throw new ArgumentException("A file is null.", nameof(files));
        }

        var sorted = files.OrderBy(file => file.Path, Utf8Order.Instance).ToArray();
        if (Problem(sorted, numerics) is { } problem)
        {
            throw new ArgumentException(problem, nameof(files));
        }

        Files = sorted;
        Numerics = numerics;
        _hashes = new(() => (
            sorted.Length == 1 ? sorted[0].Sha256 : HashOf("souk-model-1", sorted),
            Root("souk-weights-1", ModelFileRole.Weights),
            Root("souk-tokenizer-1", ModelFileRole.Tokenizer),
            Root("souk-template-1", ModelFileRole.Template)));
    }

    /// <summary>The files, sorted by the UTF-8 bytes of their paths.</summary>
    public IReadOnlyList<ManifestEntry> Files { get; }

    /// <summary>
    /// Weight, activation and KV-cache types, such as "w=bf16,a=bf16,kv=bf16"; no part of the digest.
    /// </summary>
    public string Numerics { get; }

    /// <summary>The model's identity.</summary>
    [JsonIgnore]
    public Bytes32 Digest => _hashes.Value.Digest;

    /// <summary>Root over the weight files; zero where there are none.</summary>
    [JsonIgnore]
    public Bytes32 WeightsRoot => _hashes.Value.Weights;

    /// <summary>Root over the tokenizer files; zero where there are none.</summary>
    [JsonIgnore]
    public Bytes32 TokenizerRoot => _hashes.Value.Tokenizer;

    /// <summary>Root over the chat template; zero where there is none.</summary>
    [JsonIgnore]
    public Bytes32 TemplateRoot => _hashes.Value.Template;

    /// <summary>A manifest of files that were already hashed.</summary>
    /// <exception cref="ArgumentException">A path is unfit or repeats, or there are none or too many.</exception>
    public static ModelManifest FromFiles(IEnumerable<ManifestEntry> files, string numerics) =>
        new([.. files], numerics);

    /// <summary>The entry of a path; null when the model has no such file.</summary>
    public ManifestEntry? Find(string path) =>
        Files.FirstOrDefault(file => string.Equals(file.Path, path, StringComparison.Ordinal));

    /// <summary>
    /// The part that a file plays. The chat template is the files named chat_template.*, or, where there are none,
    /// tokenizer_config.json, which is then both tokenizer and template.
    /// </summary>
    public bool HasRole(ManifestEntry file, ModelFileRole role)
    {
        ArgumentNullException.ThrowIfNull(file);
        return role == ModelFileRole.Template && !Files.Any(other => ModelFiles.IsTemplate(other.Path))
            ? ModelFiles.Name(file.Path) == ModelFiles.TokenizerConfig
            : ModelFiles.RoleOf(file.Path) == role;
    }

    /// <summary>Manifests are equal when their files and numerics are.</summary>
    public bool Equals(ModelManifest? other) =>
        other is not null && Numerics == other.Numerics && Files.SequenceEqual(other.Files);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Digest, Numerics);

    private Bytes32 Root(string domain, ModelFileRole role)
    {
        var files = Files.Where(file => HasRole(file, role)).ToArray();
        return files.Length == 0 ? Bytes32.Zero : HashOf(domain, files);
    }

    // H(domain, count as uint32, then for each file: length of path as uint32, path, SHA-256, size as uint64).
    private static Bytes32 HashOf(string domain, ManifestEntry[] files)
    {
        var bytes = new ArrayBufferWriter<byte>();
        bytes.Write(Encoding.ASCII.GetBytes(domain));
        WriteUInt32(bytes, (uint)files.Length);
        foreach (var file in files)
        {
            var path = Encoding.UTF8.GetBytes(file.Path);
            WriteUInt32(bytes, (uint)path.Length);
            bytes.Write(path);
            bytes.Write(file.Sha256.ToBytes());
            BinaryPrimitives.WriteUInt64BigEndian(bytes.GetSpan(8), file.Size);
            bytes.Advance(8);
        }

        return Sha.Hash(bytes.WrittenSpan);
    }

    private static void WriteUInt32(ArrayBufferWriter<byte> bytes, uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(bytes.GetSpan(4), value);
        bytes.Advance(4);
    }

    private static string? Problem(ManifestEntry[] sorted, string numerics)
    {
        if (sorted.Length is 0 or > MaxFiles || numerics.Length > MaxNumerics)
        {
            return $"A model has 1 to {MaxFiles} files, and numerics of at most {MaxNumerics} characters.";
        }

        for (var i = 0; i < sorted.Length; i++)
        {
            if (!ModelFiles.IsFit(sorted[i].Path) || Encoding.UTF8.GetByteCount(sorted[i].Path) > MaxPath)
            {
                return $"File {i} has an unfit path: relative, forward slashes, no empty, '.' or '..' part, "
                    + $"at most {MaxPath} bytes.";
            }

            if (i > 0 && sorted[i - 1].Path == sorted[i].Path)
            {
                return $"The path '{sorted[i].Path}' repeats.";
            }
        }

        return null;
    }
}
