using Souk.Engines.Embedding;
using Souk.Engines.Files;
using Souk.Engines.Onnx;

namespace Souk.Engines;

/// <summary>Loads whatever kind of model a directory holds.</summary>
public static class LocalEngine
{
    /// <summary>An engine that makes embeddings where the directory says so (modules.json, 1_Pooling, or an encoder's
    /// model_type), else one that generates text.</summary>
    /// <exception cref="ArgumentException">Options that cannot be used, every mistake named.</exception>
    /// <exception cref="EngineException">Ours: the model is missing, unsafe, or needs something unsupported, which
    /// the message names.</exception>
    public static async Task<IEngine> LoadAsync(OnnxEngineOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Validate() is { Count: > 0 } errors)
        {
            throw new ArgumentException(string.Join(" ", errors), nameof(options));
        }

        var root = new ModelRoot(options.Directory);
        var tokens = await TokenizerFiles.ReadAsync(root, cancellationToken);
        return PoolingConfig.IsFor(root, tokens.Config)
            ? await EmbeddingEngine.LoadAsync(options, root, tokens, cancellationToken)
            : await OnnxEngine.LoadAsync(options, tokens, cancellationToken);
    }
}
