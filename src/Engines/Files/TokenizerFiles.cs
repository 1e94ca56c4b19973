using Souk.OpenAi.Tokens;

namespace Souk.Engines.Files;

/// <summary>The small files of a model directory: tokenizer, chat template, configuration.</summary>
/// <param name="PublicFiles">By their path in the directory: what a customer needs to count for itself.</param>
internal sealed record TokenizerFiles(
    PromptEncoder Encoder, ModelConfig Config, IReadOnlyDictionary<string, ReadOnlyMemory<byte>> PublicFiles)
{
    private const int MaxTokenizer = 64 * 1024 * 1024;
    private const int MaxSmall = 4 * 1024 * 1024;

    private static readonly (string Name, int Most, bool IsNeeded)[] Known =
    [
        ("config.json", MaxSmall, true),
        ("generation_config.json", MaxSmall, false),
        ("tokenizer.json", MaxTokenizer, true),
        ("tokenizer_config.json", MaxSmall, false),
        ("special_tokens_map.json", MaxSmall, false),
        ("chat_template.jinja", MaxSmall, false),
        ("chat_template.json", MaxSmall, false),
    ];

    /// <exception cref="EngineException">Ours: a file is missing, too large, or needs a construct that is not
    /// implemented, which the message names.</exception>
    public static async Task<TokenizerFiles> ReadAsync(ModelRoot root, CancellationToken cancellationToken)
    {
        var files = new SortedDictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        foreach (var (name, most, isNeeded) in Known)
        {
            byte[]? bytes = isNeeded
                ? await root.ReadAsync(name, most, cancellationToken)
                : await root.ReadIfAnyAsync(name, most, cancellationToken);
            if (bytes is not null)
            {
                files[name] = bytes;
            }
        }

        ReadOnlyMemory<byte>? generation = files.TryGetValue("generation_config.json", out var given)
            ? given : (ReadOnlyMemory<byte>?)null;
        var config = ModelConfig.Parse(files["config.json"], generation);
        var encoder = PromptFiles.Build(files);
        return encoder.IsOk
            ? new TokenizerFiles(encoder.Value, config, files)
            : throw new EngineException(encoder.Refusal!.Fault, encoder.Refusal.Code, encoder.Refusal.Message);
    }
}
