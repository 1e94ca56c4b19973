using Microsoft.ML.OnnxRuntime;
using Souk.Engines.Admission;
using Souk.Engines.Files;
using Souk.Engines.Onnx;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Embeddings;
using Souk.OpenAi.Tokens;
using Souk.Protocol;

namespace Souk.Engines.Embedding;

/// <summary>Makes embeddings with a model of the published BERT shape in this process. It generates no text.</summary>
public sealed class EmbeddingEngine : IEngine
{
    /// <summary>Inputs of one pass, and padded tokens squared that attention over them may take.</summary>
    private const int GreatestRows = 64;
    private const long GreatestScores = 2L << 20;

    private readonly Encoder model;
    private readonly PromptEncoder encoder;
    private readonly AdmissionGate gate;
    private readonly InferenceThreads threads;
    private readonly RunOptions run = new();
    private volatile bool isStopping;

    private EmbeddingEngine(OnnxEngineOptions options, ModelDirectory directory, PoolingConfig config, Encoder model)
    {
        this.model = model;
        encoder = directory.Tokens.Encoder;
        gate = new AdmissionGate(options.Concurrency, options.Waiting);
        threads = new InferenceThreads(options.Concurrency);
        int context = Math.Min(options.MaxContext ?? config.MaxTokens, config.MaxTokens);
        string type = model.IsHalf ? "float16" : "float32";
        Model = new EngineModel(
            options.Name ?? directory.Name,
            ModelManifest.FromFiles(directory.Files, $"w={directory.WeightType},a={type}"),
            directory.Tokens.PublicFiles,
            context,
            1,
            encoder.Tokenizer.VocabularySize,
            "onnxruntime/" + OrtEnv.Instance().GetVersionString(),
            null,
            "ids",
            [EngineFeatures.Embeddings]);
    }

    public EngineModel Model { get; }

    /// <summary>Numbers of one vector.</summary>
    public int Size => model.Size;

    /// <summary>Loads a model directory: verifies and hashes its files, then opens the session.</summary>
    /// <exception cref="EngineException">Ours: the model is missing, unsafe, or needs something unsupported, which
    /// the message names.</exception>
    internal static async Task<EmbeddingEngine> LoadAsync(
        OnnxEngineOptions options, ModelRoot root, TokenizerFiles tokens, CancellationToken cancellationToken)
    {
        var config = await PoolingConfig.ReadAsync(
            root, tokens.Config, tokens.PublicFiles["config.json"], cancellationToken);
        var directory = await ModelDirectory.ReadAsync(
            options.Directory, options.OnnxFile, options.MaxWeightsBytes, cancellationToken, tokens, config.Files);
        using var opening = new InferenceThreads(1);
        return await opening.RunAsync(() =>
        {
            var session = OnnxSession.Open(directory.OnnxPath, options.Threads, options.IsSpinning);
            try
            {
                var encoder = new Encoder(session, config, tokens.Config.Hidden);
                return new EmbeddingEngine(options, directory, config, encoder);
            }
            catch
            {
                session.Dispose();
                throw;
            }
        });
    }

    /// <exception cref="EngineException">Theirs: always, for this model generates nothing.</exception>
    public int[]? EncodePrompt(ChatRequest chat) => throw OnlyEmbeddings();

    /// <exception cref="EngineException">Theirs: always, for this model generates nothing.</exception>
    public IAsyncEnumerable<EngineEvent> GenerateAsync(EngineRequest request, CancellationToken cancellationToken) =>
        throw OnlyEmbeddings();

    public int[][]? EncodeInputs(EmbeddingInputs inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        if (inputs.Dimensions is { } asked && asked != Size)
        {
            throw new EngineException(
                Fault.Theirs, "invalid_dimensions", $"This model's vectors have {Size} numbers; leave dimensions out.");
        }

        var encoded = encoder.EncodeInputs(inputs);
        if (!encoded.IsOk)
        {
            throw new EngineException(Fault.Theirs, encoded.Error.Code ?? "invalid_input", encoded.Error.Message);
        }

        Require(encoded.Value);
        return encoded.Value;
    }

    public async Task<Embeddings> EmbedAsync(EmbeddingRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        int[][] ids = request.InputIds ?? EncodeInputs(request.Inputs)!;
        Require(ids);
        using var place = await gate.EnterAsync(cancellationToken);
        float[][] vectors = new float[ids.Length][];

        // Inputs of like length go together, so that little is spent on padding.
        int[] order = [.. Enumerable.Range(0, ids.Length).OrderBy(index => ids[index].Length)];
        for (int done = 0; done < order.Length;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int[] rows = Rows(ids, order, done);
            float[][] made = await PassAsync([.. rows.Select(index => ids[index])]);
            for (int i = 0; i < rows.Length; i++)
            {
                vectors[rows[i]] = made[i];
            }

            done += rows.Length;
        }

        return new Embeddings(vectors, ids.Sum(row => row.Length));
    }

    /// <summary>Refuses what is under way and frees the model; waits for the passes that run.</summary>
    public ValueTask DisposeAsync()
    {
        if (!isStopping)
        {
            isStopping = true;
            run.Terminate = true;
            threads.Dispose();
            model.Dispose();
            run.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    private static int[] Rows(int[][] ids, int[] order, int from)
    {
        int count = 1;
        while (count < GreatestRows && from + count < order.Length)
        {
            long width = ids[order[from + count]].Length;
            if ((count + 1) * width * width > GreatestScores)
            {
                break;
            }

            count++;
        }

        return order[from..(from + count)];
    }

    private async Task<float[][]> PassAsync(int[][] rows)
    {
        try
        {
            return await threads.RunAsync(() => model.Embed(rows, run));
        }
        catch (InvalidDataException failure)
        {
            throw new EngineException(Fault.Ours, "engine_failed", "The model computed no vectors.", failure);
        }
        catch (Exception failure) when (failure is OnnxRuntimeException or InvalidOperationException)
        {
            throw isStopping
                ? new EngineException(
                    Fault.Ours, "engine_stopped", "This engine is being stopped. Try again elsewhere.", failure)
                : new EngineException(Fault.Ours, "engine_failed", "The model failed while embedding.", failure);
        }
    }

    private void Require(int[][] ids)
    {
        for (int i = 0; i < ids.Length; i++)
        {
            if (ids[i].Length == 0 || ids[i].Length > Model.Context)
            {
                throw new EngineException(
                    Fault.Theirs, "context_length_exceeded",
                    $"Input {i} has {ids[i].Length} tokens; this model takes 1 to {Model.Context}.");
            }

            if (ids[i].Any(id => id < 0 || id >= Model.Vocabulary))
            {
                throw new EngineException(
                    Fault.Theirs, "invalid_input", $"Input {i} has a token beyond the {Model.Vocabulary} there are.");
            }
        }
    }

    private static EngineException OnlyEmbeddings() => new(
        Fault.Theirs, "model_not_supported", "This model makes embeddings only; ask /v1/embeddings.");
}
