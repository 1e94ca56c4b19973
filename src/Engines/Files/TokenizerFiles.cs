using System.Text;
using Souk.OpenAi.Errors;
using Souk.OpenAi.Templates;
using Souk.OpenAi.Tokens;
using Souk.Protocol;

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

        var generation = files.TryGetValue("generation_config.json", out var given) ? given : default;
        var config = ModelConfig.Parse(files["config.json"], generation.IsEmpty ? null : generation);
        files.TryGetValue("tokenizer_config.json", out var tokenizerConfig);
        var tokenizer = Loaded(
            "tokenizer.json", Tokenizer.Load(files["tokenizer.json"], tokenizerConfig, generation));
        string source = files.TryGetValue("chat_template.jinja", out var jinja)
            ? Encoding.UTF8.GetString(jinja.Span)
            : tokenizer.ChatTemplateSource ?? throw new EngineException(
                Fault.Ours, "model_unsupported",
                "The model has no chat template, neither in chat_template.jinja nor in tokenizer_config.json.");
        var template = Loaded("chat template", ChatTemplate.Compile(source));
        return new TokenizerFiles(new PromptEncoder(tokenizer, template), config, files);
    }

    private static T Loaded<T>(string what, LoadResult<T> result)
        where T : class =>
        result.IsOk
            ? result.Value
            : throw new EngineException(
                Fault.Ours, "model_unsupported",
                result.Refused.Line > 0
                    ? $"The model's {what} needs {result.Refused.Construct} (line {result.Refused.Line}): " +
                        result.Refused.Message
                    : $"The model's {what} needs {result.Refused.Construct}: {result.Refused.Message}");
}
