using System.Text;

namespace Souk.Protocol;

/// <summary>The part that a file plays in a model.</summary>
public enum ModelFileRole
{
    /// <summary>Anything else, such as config.json; it counts for the digest alone.</summary>
    Other,

    /// <summary>Numbers that were trained.</summary>
    Weights,

    /// <summary>How text becomes tokens.</summary>
    Tokenizer,

    /// <summary>How a conversation becomes text.</summary>
    Template,
}

/// <summary>Which role a file has by its name, as published models name them.</summary>
internal static class ModelFiles
{
    public const string TokenizerConfig = "tokenizer_config.json";

    private static readonly string[] WeightEndings =
        [".safetensors", ".gguf", ".onnx", ".onnx_data", ".onnx.data", ".bin", ".pt", ".pth"];

    private static readonly string[] TokenizerNames =
    [
        "tokenizer.json", "tokenizer.model", TokenizerConfig, "special_tokens_map.json", "added_tokens.json",
        "vocab.json", "vocab.txt", "merges.txt",
    ];

    public static ModelFileRole RoleOf(string path)
    {
        var name = Name(path);
        if (TokenizerNames.Contains(name, StringComparer.Ordinal))
        {
            return ModelFileRole.Tokenizer;
        }

        if (IsTemplate(path))
        {
            return ModelFileRole.Template;
        }

        return WeightEndings.Any(ending => name.EndsWith(ending, StringComparison.Ordinal))
            ? ModelFileRole.Weights
            : ModelFileRole.Other;
    }

    public static bool IsTemplate(string path) => Name(path) is "chat_template.jinja" or "chat_template.json";

    public static string Name(string path) => path[(path.LastIndexOf('/') + 1)..];

    public static bool IsFit(string path) => !string.IsNullOrEmpty(path)
        && !path.Contains('\\', StringComparison.Ordinal)
        && !path.Any(char.IsControl)
        && path.Split('/').All(part => part is not ("" or "." or ".."));
}

/// <summary>
/// Order by UTF-8 bytes, which is the order of code points; ordinal order of UTF-16 differs from it.
/// </summary>
internal sealed class Utf8Order : IComparer<string>
{
    public static Utf8Order Instance { get; } = new();

    public int Compare(string? x, string? y) =>
        Encoding.UTF8.GetBytes(x ?? "").AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y ?? ""));
}
