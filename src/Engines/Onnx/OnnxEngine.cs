using System.Runtime.CompilerServices;
using Microsoft.ML.OnnxRuntime;
using Souk.Engines.Admission;
using Souk.Engines.Files;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Tokens;
using Souk.Protocol;

namespace Souk.Engines.Onnx;

/// <summary>Runs a decoder of the published ONNX shape in this process, with the seeded sampling that audits replay.
/// </summary>
public sealed class OnnxEngine : IEngine
{
    /// <summary>Logits of a prompt pass are tokens x vocabulary floats; this bounds them.</summary>
    private const long MaxLogitsBytes = 64L << 20;

    private static readonly string[] Features =
    [
        EngineFeatures.LogitBias, EngineFeatures.ManyChoices, EngineFeatures.Penalties, EngineFeatures.Seed,
        EngineFeatures.Stop, EngineFeatures.TopK,
    ];

    private readonly OnnxEngineOptions options;
    private readonly Decoder decoder;
    private readonly PromptEncoder encoder;
    private readonly HashSet<int> endIds;
    private readonly AdmissionGate gate;
    private readonly InferenceThreads threads;
    private readonly CancellationTokenSource stopping = new();
    private readonly CancellationToken stopped;
    private readonly int prefill;

    private OnnxEngine(OnnxEngineOptions options, ModelDirectory directory, Decoder decoder, int context)
    {
        this.options = options;
        this.decoder = decoder;
        stopped = stopping.Token;
        encoder = directory.Tokens.Encoder;
        var ends = directory.Tokens.Config.EndIds;
        endIds = [.. ends.Count > 0 ? ends : encoder.Tokenizer.EosIds];
        gate = new AdmissionGate(options.Concurrency, options.Waiting);
        threads = new InferenceThreads(options.Concurrency);
        var shape = decoder.Shape;
        prefill = (int)Math.Clamp(MaxLogitsBytes / (4L * shape.Vocabulary), 1, options.PrefillTokens);
        string numerics = $"w={directory.WeightType},a={TypeName(shape.LogitsType)},kv={TypeName(shape.KvType)}";
        Model = new EngineModel(
            options.Name ?? directory.Name,
            ModelManifest.FromFiles(directory.Files, numerics),
            directory.Tokens.PublicFiles,
            context,
            Math.Min(options.MaxOutput ?? context, context),
            shape.Vocabulary,
            "onnxruntime/" + OrtEnv.Instance().GetVersionString(),
            Sampler.Name,
            "ids",
            Features);
    }

    public EngineModel Model { get; }

    /// <summary>Loads a model directory: verifies and hashes its files, then opens the session.</summary>
    /// <exception cref="ArgumentException">Options that cannot be used, every mistake named.</exception>
    /// <exception cref="EngineException">Ours: the model is missing, unsafe, or needs something unsupported, which
    /// the message names.</exception>
    public static async Task<OnnxEngine> LoadAsync(OnnxEngineOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Validate() is { Count: > 0 } errors)
        {
            throw new ArgumentException(string.Join(" ", errors), nameof(options));
        }

        var directory = await ModelDirectory.ReadAsync(
            options.Directory, options.OnnxFile, options.MaxWeightsBytes, cancellationToken);
        using var opening = new InferenceThreads(1);
        return await opening.RunAsync(() => Open(options, directory));
    }

    public int[]? EncodePrompt(ChatRequest chat) => RequestRules.EncodePrompt(encoder, chat, Model.Context);

    public async IAsyncEnumerable<EngineEvent> GenerateAsync(
        EngineRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Refuse(request);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopped);
        using var place = await gate.EnterAsync(cancellationToken);
        using var generation = new Generation(decoder, encoder, endIds, request, Model.Context, prefill);
        await using var watch = ended.Token.Register(generation.Stop);

        // Encoding a long prompt takes as long as some tokens do, so it runs where inference runs.
        int[] prompt = await StepAsync(generation.EncodePrompt, cancellationToken);
        yield return new PromptCounted(prompt.Length, 0, prompt);
        for (int choice = 0; choice < request.Choices; choice++)
        {
            generation.BeginChoice(choice);
            while (!generation.IsChoiceOver)
            {
                yield return await StepAsync(generation.NextToken, cancellationToken);
            }

            yield return generation.FinishChoice();
        }
    }

    /// <summary>Ends all requests with an error and frees the model. Waits for the pass that is under way.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        threads.Dispose();
        decoder.Dispose();
        stopping.Dispose();
    }

    private static OnnxEngine Open(OnnxEngineOptions options, ModelDirectory directory)
    {
        using var settings = new SessionOptions
        {
            // Patterns are kept per input shape, and every token has a shape of its own.
            EnableMemoryPattern = false,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            IntraOpNumThreads = options.Threads,
            InterOpNumThreads = 1,
        };
        settings.AddSessionConfigEntry("session.intra_op.allow_spinning", options.IsSpinning ? "1" : "0");
        InferenceSession session;
        try
        {
            session = new InferenceSession(directory.OnnxPath, settings);
        }
        catch (OnnxRuntimeException refused)
        {
            throw new EngineException(
                Fault.Ours, "model_unsupported", $"ONNX Runtime cannot load the model: {refused.Message}", refused);
        }

        try
        {
            var config = directory.Tokens.Config;
            var shape = ModelShape.Read(session.InputMetadata, session.OutputMetadata, config);
            int context = Math.Min(options.MaxContext ?? config.Context, config.Context);
            RequireMemory(shape.KvBytesPerToken * context, options.Concurrency);
            return new OnnxEngine(options, directory, new Decoder(session, shape, context), context);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>A request holds up to three sets of keys and values: the prompt's, which its choices share, and
    /// during a pass the old and the new ones of a choice. Promising more than there is would end in the kernel's
    /// killer.</summary>
    private static void RequireMemory(long bytesPerRequest, int concurrency)
    {
        decimal needed = (decimal)bytesPerRequest * 3 * concurrency;
        long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (needed > available)
        {
            throw new EngineException(
                Fault.Ours, "engine_too_large",
                $"{concurrency} requests of full context need {needed / (1 << 20):F0} MiB for keys and values, and " +
                $"this machine has {available >> 20} MiB. Lower Concurrency or MaxContext.");
        }
    }

    private void Refuse(EngineRequest request)
    {
        RequestRules.RequireSound(request);
        RequestRules.RequireFeatures(request, Model.Features);
        RequestRules.RequireChoices(request, options.MaxChoices);
        if (request.Sampling.Flaw() is { } flaw)
        {
            throw new EngineException(flaw.Fault, flaw.Code, flaw.Message);
        }

        if (request.Chat.LogitBias.Any(pair => pair.Key >= Model.Vocabulary))
        {
            throw new EngineException(
                Fault.Theirs, "invalid_logit_bias",
                $"logit_bias names a token beyond the {Model.Vocabulary} there are.");
        }
    }

    private async Task<T> StepAsync<T>(Func<T> step, CancellationToken cancellationToken)
    {
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            return await threads.RunAsync(step);
        }
        catch (OnnxRuntimeException failure)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw stopped.IsCancellationRequested ? Stopped(failure) : new EngineException(
                Fault.Ours, "engine_failed", "The model failed while generating.", failure);
        }
        catch (Exception failure) when (failure is SamplingException or InvalidDataException)
        {
            throw new EngineException(
                Fault.Ours, "engine_failed", "The model computed no distribution of tokens.", failure);
        }
        catch (InvalidOperationException failure) when (stopped.IsCancellationRequested)
        {
            throw Stopped(failure);
        }
    }

    private static EngineException Stopped(Exception? inner) =>
        new(Fault.Ours, "engine_stopped", "This engine is being stopped. Try again elsewhere.", inner);

    private static string TypeName(Microsoft.ML.OnnxRuntime.Tensors.TensorElementType type) =>
        type == Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Float16 ? "float16" : "float32";
}
