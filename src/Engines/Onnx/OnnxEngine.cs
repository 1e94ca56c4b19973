using System.Runtime.CompilerServices;
using Microsoft.ML.OnnxRuntime;
using Souk.Engines.Files;
using Souk.Engines.Onnx.Batching;
using Souk.Engines.Onnx.Kv;
using Souk.Engines.Tools;
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

    /// <summary>Tokens of a choice that the engine computes before its consumer takes one: enough to hide how long a
    /// consumer takes to come back, few enough that nobody minds losing them.</summary>
    private const int Ahead = 16;

    /// <summary>Below this size, handing parts of an operator to other threads costs more than they gain, so each core
    /// gets passes of its own instead.</summary>
    private const long SmallWeights = 64L << 20;

    /// <summary>Chunks from which on a prompt is so long that it should not be read beside other answers.</summary>
    private const int LongChunks = 4;

    private static readonly string[] Features =
    [
        EngineFeatures.LogitBias, EngineFeatures.Logprobs, EngineFeatures.MinTokens, EngineFeatures.ManyChoices,
        EngineFeatures.Penalties, EngineFeatures.PromptLogprobs, EngineFeatures.Seed, EngineFeatures.Stop,
        EngineFeatures.TopK,
    ];

    private readonly OnnxEngineOptions options;
    private readonly Decoder decoder;
    private readonly PromptEncoder encoder;
    private readonly HashSet<int> endIds;
    private readonly AnswerRules rules;
    private readonly KvStore store;
    private readonly WaitingLine line;
    private readonly EngineLoop[] loops;
    private readonly InferenceThreads encoding = new(1);
    private volatile bool isStopping;

    private OnnxEngine(
        OnnxEngineOptions options, ModelDirectory directory, Decoder decoder, int loopCount, long positions)
    {
        this.options = options;
        this.decoder = decoder;
        encoder = directory.Tokens.Encoder;
        var ends = directory.Tokens.Config.EndIds;
        endIds = [.. ends.Count > 0 ? ends : encoder.Tokenizer.EosIds];
        rules = new AnswerRules(encoder, endIds);
        var shape = decoder.Shape;
        store = new KvStore(shape, positions);
        line = new WaitingLine(store, options.Concurrency, options.Waiting);
        int mostLogits = (int)Math.Clamp(MaxLogitsBytes / (4L * shape.Vocabulary), 1, int.MaxValue);
        var plan = new LoopPlan(
            decoder, store, line, LayoutProbe.Find(decoder), WeightBytes(directory),
            Math.Min(mostLogits, options.PrefillTokens), mostLogits, encoder.Tokenizer, Masks);
        loops = [.. Enumerable.Range(0, loopCount).Select(index => new EngineLoop(plan, index))];
        int most = Math.Min(mostLogits, options.Concurrency);
        Gathered = options.Gathered ?? (loopCount == 1 ? most
            : Gathering.Measure(decoder, plan.Layout, most, TimeProvider.System));
        line.Open(loops, new Placement(Gathered, plan.Chunk * LongChunks));
        Array.ForEach(loops, loop => loop.Start());
        string numerics = $"w={directory.WeightType},a={TypeName(shape.LogitsType)},kv={TypeName(shape.KvType)}";
        Model = new EngineModel(
            options.Name ?? directory.Name,
            ModelManifest.FromFiles(directory.Files, numerics),
            directory.Tokens.PublicFiles,
            decoder.Context,
            Math.Min(options.MaxOutput ?? decoder.Context, decoder.Context),
            shape.Vocabulary,
            "onnxruntime/" + OrtEnv.Instance().GetVersionString(),
            Sampler.Name,
            "ids",
            [.. Features.Concat(rules.Features).Order(StringComparer.Ordinal)]);
    }

    public EngineModel Model { get; }

    /// <summary>Computes masks that take long.</summary>
    internal InferenceThreads Masks { get; } = new(1);

    /// <summary>Answers that stay together on one loop before another one is used.</summary>
    internal int Gathered { get; }

    /// <summary>What each loop has to do.</summary>
    internal IReadOnlyList<LoopLoad> Loads => line.Loads;

    /// <summary>Loads a model directory: verifies and hashes its files, then opens the session.</summary>
    /// <exception cref="ArgumentException">Options that cannot be used, every mistake named.</exception>
    /// <exception cref="EngineException">Ours: the model is missing, unsafe, or needs something unsupported, which
    /// the message names.</exception>
    public static Task<OnnxEngine> LoadAsync(OnnxEngineOptions options, CancellationToken cancellationToken) =>
        LoadAsync(options, null, cancellationToken);

    /// <param name="tokens">The small files, where they were read already: a large tokenizer takes seconds.</param>
    internal static async Task<OnnxEngine> LoadAsync(
        OnnxEngineOptions options, TokenizerFiles? tokens, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Validate() is { Count: > 0 } errors)
        {
            throw new ArgumentException(string.Join(" ", errors), nameof(options));
        }

        var directory = await ModelDirectory.ReadAsync(
            options.Directory, options.OnnxFile, options.MaxWeightsBytes, cancellationToken, tokens);
        using var opening = new InferenceThreads(1);
        return await opening.RunAsync(() => Open(options, directory));
    }

    public int[]? EncodePrompt(ChatRequest chat) => RequestRules.EncodePrompt(encoder, chat, Model.Context);

    public async IAsyncEnumerable<EngineEvent> GenerateAsync(
        EngineRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Refuse(request);
        cancellationToken.ThrowIfCancellationRequested();
        int[] prompt = request.PromptIds ?? await EncodeAsync(request.Chat);
        RequirePrompt(prompt);
        var plan = await PlanAsync(request.Chat);
        var active = new ActiveRequest(request, prompt, decoder.Context, endIds, Ahead) { Plan = plan };
        line.Enter(active);
        try
        {
            while (await active.Events.WaitToReadAsync(cancellationToken))
            {
                while (active.Events.TryRead(out var happened))
                {
                    active.Took(happened);
                    yield return happened;
                    cancellationToken.ThrowIfCancellationRequested();
                    if (isStopping && happened is not Finished)
                    {
                        throw EngineLoop.Stopped(null);
                    }
                }
            }
        }
        finally
        {
            active.Leave();
            if (!line.TryWithdraw(active))
            {
                active.Loop?.Wake();
                await active.Released;
            }
        }
    }

    /// <summary>Ends all requests with an error and frees the model. Waits for the passes that are under way.</summary>
    public ValueTask DisposeAsync()
    {
        if (isStopping)
        {
            return ValueTask.CompletedTask;
        }

        isStopping = true;
        foreach (var waiting in line.Close())
        {
            waiting.End(EngineLoop.Stopped(null));
            waiting.Release();
        }

        Array.ForEach(loops, loop => loop.Dispose());
        encoding.Dispose();
        Masks.Dispose();
        store.Dispose();
        decoder.Dispose();
        return ValueTask.CompletedTask;
    }

    private static OnnxEngine Open(OnnxEngineOptions options, ModelDirectory directory)
    {
        bool isSmall = WeightBytes(directory) < SmallWeights;
        int threads = options.Threads == 0 && isSmall ? 1 : options.Threads;
        int loopCount = options.Loops > 0 ? options.Loops
            : options.Threads == 0 && isSmall ? Environment.ProcessorCount : 1;
        var session = OnnxSession.Open(directory.OnnxPath, threads, options.IsSpinning);
        try
        {
            var config = directory.Tokens.Config;
            var shape = ModelShape.Read(session.InputMetadata, session.OutputMetadata, config);
            int context = Math.Min(options.MaxContext ?? config.Context, config.Context);
            long positions = FindRoom(options, shape.KvBytesPerToken, context);
            return new OnnxEngine(options, directory, new Decoder(session, shape, context), loopCount, positions);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>How many positions of keys and values may be held. Promising more than there is would end in the
    /// kernel's killer.</summary>
    private static long FindRoom(OnnxEngineOptions options, long bytesPerPosition, int context)
    {
        // A pass reads the old keys and values while it writes the new, and padding may double both.
        long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        long most = available / (bytesPerPosition * 4);
        long asked = options.KvTokens ?? Math.Min((long)options.Concurrency * context, Math.Max(most / 2, context));
        if (asked > most || asked < context)
        {
            throw new EngineException(
                Fault.Ours, "engine_too_large",
                $"Keys and values of {Math.Max(asked, context)} tokens take up to "
                + $"{(decimal)Math.Max(asked, context) * bytesPerPosition * 4 / (1 << 20):F0} MiB, this machine has "
                + $"{available >> 20} MiB, and one request may need {context} tokens. Change KvTokens or MaxContext.");
        }

        return asked;
    }

    private static long WeightBytes(ModelDirectory directory) => directory.Files.Sum(file => (long)file.Size);

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

    private void RequirePrompt(int[] prompt)
    {
        if (prompt.Length == 0 || prompt.Length >= decoder.Context)
        {
            throw RequestRules.ContextExceeded(prompt.Length, decoder.Context);
        }

        if (prompt.Max() >= Model.Vocabulary)
        {
            throw new EngineException(
                Fault.Theirs, "invalid_prompt", $"The prompt has a token beyond the {Model.Vocabulary} there are.");
        }
    }

    /// <summary>Encoding a long prompt takes as long as some tokens do, so it has a thread of its own.</summary>
    private async Task<int[]> EncodeAsync(ChatRequest chat)
    {
        try
        {
            return await encoding.RunAsync(() => EncodePrompt(chat)!);
        }
        catch (InvalidOperationException failure) when (isStopping)
        {
            throw EngineLoop.Stopped(failure);
        }
    }

    /// <summary>Compiling a schema takes as long as encoding a prompt does. The request joins the others when its
    /// first mask is there.</summary>
    private async Task<AnswerPlan> PlanAsync(ChatRequest chat)
    {
        if (chat.Tools is null && !RequestRules.NeedsGrammar(chat.ResponseFormat))
        {
            return AnswerPlan.Free;
        }

        try
        {
            var plan = await encoding.RunAsync(() => rules.Plan(chat));
            if (plan.Grammar?.Begin() is { } walk && !walk.Prepare(0))
            {
                await Masks.RunAsync(() =>
                {
                    walk.Finish();
                    return true;
                });
            }

            return plan;
        }
        catch (InvalidOperationException failure) when (isStopping)
        {
            throw EngineLoop.Stopped(failure);
        }
    }

    private static string TypeName(Microsoft.ML.OnnxRuntime.Tensors.TensorElementType type) =>
        type == Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Float16 ? "float16" : "float32";
}
