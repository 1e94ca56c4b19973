using System.Runtime.CompilerServices;
using Souk.Engines.Admission;
using Souk.Engines.Files;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Embeddings;
using Souk.OpenAi.Streaming;
using Souk.OpenAi.Tokens;
using Souk.Protocol;

namespace Souk.Engines.Upstream;

/// <summary>Sells any OpenAI-compatible server: vLLM, SGLang, llama.cpp, Ollama. Counts by token ids where the
/// upstream gives them and the tokenizer is at hand, otherwise by the upstream's usage.</summary>
public sealed class UpstreamEngine : IEngine
{
    private const int MostAttempts = 4;
    private static readonly TimeSpan BetweenAttempts = TimeSpan.FromMilliseconds(250);

    private readonly UpstreamOptions options;
    private readonly UpstreamHttp http;
    private readonly UpstreamProbe probe;
    private readonly PromptEncoder? encoder;
    private readonly TimeProvider time;
    private readonly AdmissionGate gate;
    private readonly UpstreamHealth health;

    private UpstreamEngine(
        UpstreamOptions options, UpstreamHttp http, UpstreamProbe probe, TokenizerFiles? files,
        ModelManifest manifest, TimeProvider time)
    {
        this.options = options;
        this.http = http;
        this.probe = probe;
        this.time = time;

        // Vectors carry no ids to check, so there only the prompt is counted. Servers differ in whether they send the
        // first space of an answer where the tokenizer drops it, so there the text cannot be held against the ids.
        encoder = IsEmbedding || (probe.GivesIds && files?.Encoder.Tokenizer.IsFirstTokenAlike == true)
            ? files?.Encoder : null;
        gate = new AdmissionGate(options.Concurrency, options.Waiting);
        health = new UpstreamHealth(time);
        int context = options.Context ?? probe.Context;
        Model = new EngineModel(
            options.Name ?? probe.Model,
            manifest,
            encoder is null ? new Dictionary<string, ReadOnlyMemory<byte>>() : files!.PublicFiles,
            context,
            Math.Min(options.MaxOutput ?? context, context),
            encoder?.Tokenizer.VocabularySize ?? probe.Vocabulary,
            probe.Server,
            null,
            encoder is null ? "usage" : "ids",
            Features(probe, options));
    }

    public EngineModel Model { get; }

    private bool IsEmbedding => probe.Shown.Contains(EngineFeatures.Embeddings);

    // Vectors carry no ids to check, so there the tokenizer is enough.
    private static bool CountsIds(UpstreamProbe probe) =>
        probe.GivesIds || probe.Shown.Contains(EngineFeatures.Embeddings);

    /// <summary>Asks the upstream what it is, by listing its models and generating one token.</summary>
    /// <exception cref="ArgumentException">Options that cannot be used, every mistake named.</exception>
    /// <exception cref="EngineException">Ours: the upstream cannot be reached or cannot be sold.</exception>
    public static async Task<UpstreamEngine> ConnectAsync(
        UpstreamOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Validate() is { Count: > 0 } errors)
        {
            throw new ArgumentException(string.Join(" ", errors), nameof(options));
        }

        string? key = options.ApiKeyFile is null
            ? null : (await File.ReadAllTextAsync(options.ApiKeyFile, cancellationToken)).Trim();
        var files = options.TokenizerDirectory is { } directory
            ? await TokenizerFiles.ReadAsync(new ModelRoot(directory), cancellationToken) : null;
        var http = new UpstreamHttp(options, key);
        try
        {
            var probe = await UpstreamProbe.RunAsync(http, options, time, cancellationToken);
            return (options.Context ?? probe.Context) > 0
                ? new UpstreamEngine(
                    options, http, probe, files,
                    await UpstreamManifest.MakeAsync(
                        options, probe, CountsIds(probe) ? files : null, cancellationToken),
                    time)
                : throw new EngineException(
                    Fault.Ours, "upstream_unusable",
                    "The upstream does not tell its context length, so the option Context must.");
        }
        catch
        {
            http.Dispose();
            throw;
        }
    }

    public async IAsyncEnumerable<EngineEvent> GenerateAsync(
        EngineRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        byte[] body = UpstreamRequest.Write(request, probe, Model, options.MaxChoices);
        int[]? prompt = request.PromptIds ?? EncodePrompt(request.Chat);
        using var place = await gate.EnterAsync(cancellationToken);
        using var deadline = new Deadline(time, cancellationToken);
        var answer = new UpstreamAnswer(request.Choices, request.MaxTokens, encoder is not null, prompt);
        if (answer.Begin() is { } counted)
        {
            yield return counted;
        }

        using var visit = health.Enter();
        IReadOnlyList<EngineEvent> unended = [];
        await using var events = StreamAsync(request, body, answer, deadline)
            .GetAsyncEnumerator(CancellationToken.None);
        while (true)
        {
            EngineEvent next;
            try
            {
                if (!await events.MoveNextAsync())
                {
                    break;
                }

                next = events.Current;
            }
            catch (Exception failure) when (answer.IsBillable && IsBroken(failure, deadline, cancellationToken))
            {
                // Everything had been said, and only the end of the stream is missing.
                unended = answer.End();
                break;
            }
            catch (Exception failure) when (Explain(failure, deadline, cancellationToken) is { } known)
            {
                visit.Failed(known);
                throw known;
            }

            visit.Worked();
            deadline.Pause();
            yield return next;
            deadline.Start(options.IdleTimeout, Deadline.Idle);
        }

        foreach (var last in unended)
        {
            yield return last;
        }
    }

    public int[]? EncodePrompt(ChatRequest chat) =>
        IsEmbedding ? throw RequestRules.OnlyEmbedding()
        : encoder is null ? null
        : RequestRules.EncodePrompt(encoder, chat, Model.Context);

    public int[][]? EncodeInputs(EmbeddingInputs inputs) =>
        !IsEmbedding ? throw RequestRules.NotEmbedding()
        : encoder is null ? null
        : RequestRules.EncodeInputs(encoder, inputs, Model.Context);

    public async Task<Embeddings> EmbedAsync(EmbeddingRequest request, CancellationToken cancellationToken)
    {
        if (!IsEmbedding)
        {
            throw RequestRules.NotEmbedding();
        }

        using var place = await gate.EnterAsync(cancellationToken);
        using var deadline = new Deadline(time, cancellationToken);
        using var visit = health.Enter();
        try
        {
            deadline.Start(options.FirstTokenTimeout, Deadline.FirstToken);
            var made = await UpstreamEmbedding.RunAsync(http, probe.Model, request, deadline.Token);
            visit.Worked();
            return made;
        }
        catch (Exception failure) when (Explain(failure, deadline, cancellationToken) is { } known)
        {
            visit.Failed(known);
            throw known;
        }
    }

    public ValueTask DisposeAsync()
    {
        http.Dispose();
        return ValueTask.CompletedTask;
    }

    private async IAsyncEnumerable<EngineEvent> StreamAsync(
        EngineRequest request, byte[] body, UpstreamAnswer answer, Deadline deadline)
    {
        deadline.Start(options.FirstTokenTimeout, Deadline.FirstToken);
        if (request.PromptLogprobs)
        {
            var scored = await UpstreamScoring.RunAsync(http, request, probe, deadline.Token);
            yield return new PromptScored(scored.Logprobs);
            if (request.MaxTokens == 0)
            {
                answer.Leave(scored.PromptTokens);
            }
        }

        await foreach (var happened in AnswerAsync(request, body, answer, deadline))
        {
            yield return happened;
        }

        foreach (var happened in answer.End())
        {
            yield return happened;
        }
    }

    private async IAsyncEnumerable<EngineEvent> AnswerAsync(
        EngineRequest request, byte[] body, UpstreamAnswer answer, Deadline deadline)
    {
        if (request.MaxTokens == 0)
        {
            yield break;
        }

        using var reply = await PostAsync(PathOf(request), body, deadline);
        await UpstreamHttp.RequireOkAsync(reply, deadline.Token);
        if (reply.Content.Headers.ContentType?.MediaType != "text/event-stream")
        {
            throw UpstreamErrors.Protocol("answered a streamed request with something else than an event stream");
        }

        var limits = new SseLimits
        {
            MaxLineBytes = options.MaxEventBytes,
            MaxEventBytes = options.MaxEventBytes,
            MaxTotalBytes = options.MaxStreamBytes,
        };
        await using var stream = await UpstreamHttp.BodyAsync(reply, deadline.Token);
        await foreach (var item in SseReader.ReadAsync(stream, limits, deadline.Token))
        {
            if (item.Kind != SseItemKind.Data)
            {
                continue;
            }

            if (ChatChunk.IsDone(item.Bytes.Span))
            {
                break;
            }

            var chunk = ChatChunk.Parse(item.Bytes.Span);
            if (!chunk.IsOk)
            {
                throw UpstreamErrors.Protocol("sent an event that is no chunk of an answer");
            }

            if (UpstreamAnswer.IsProgress(chunk.Value))
            {
                deadline.Start(options.IdleTimeout, Deadline.Idle);
            }

            foreach (var happened in answer.Take(chunk.Value))
            {
                yield return happened;
            }

            if (answer.IsBillable)
            {
                deadline.Start(options.EndTimeout, Deadline.Idle);
            }
        }
    }

    /// <summary>Sends the request, again where no connection came about: a server that restarts is back in a moment,
    /// and has seen nothing yet.</summary>
    private async Task<HttpResponseMessage> PostAsync(string path, byte[] body, Deadline deadline)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await http.PostAsync(path, body, deadline.Token);
            }
            catch (EngineException failure) when (failure.Code == UpstreamHttp.NotConnected && attempt < MostAttempts)
            {
                await Task.Delay(BetweenAttempts * attempt, time, deadline.Token);
            }
        }
    }

    private static string PathOf(EngineRequest request) =>
        request.Chat.Prompt is null ? "chat/completions" : "completions";

    private static bool IsBroken(Exception failure, Deadline deadline, CancellationToken consumer) => failure switch
    {
        OperationCanceledException => deadline.HasExpired && !consumer.IsCancellationRequested,
        IOException or HttpRequestException => true,
        _ => false,
    };

    private static EngineException? Explain(
        Exception failure, Deadline deadline, CancellationToken consumer) => failure switch
    {
        EngineException known => known,
        OperationCanceledException when consumer.IsCancellationRequested => null,
        OperationCanceledException or IOException or HttpRequestException when deadline.HasExpired =>
            new EngineException(Fault.Ours, deadline.Code, "The upstream took too long for its next token.", failure),
        SseException or InvalidDataException => new EngineException(
            Fault.Ours, "upstream_protocol", "The upstream broke the bounds of its stream.", failure),
        IOException or HttpRequestException => UpstreamErrors.Truncated(),
        _ => null,
    };

    // Trials cannot show what these do to an answer; the named servers document them.
    private static List<string> Features(UpstreamProbe probe, UpstreamOptions options)
    {
        SortedSet<string> features = new(probe.Shown, StringComparer.Ordinal);
        if (features.Contains(EngineFeatures.Embeddings))
        {
            return [EngineFeatures.Embeddings];
        }

        if (options.Features is null && probe.Server is ("vllm" or "sglang" or "llama.cpp"))
        {
            features.UnionWith([EngineFeatures.LogitBias, EngineFeatures.TopK]);
        }

        if (options.Features is null && probe.Server is ("vllm" or "sglang"))
        {
            features.Add(EngineFeatures.MinTokens);
        }

        if (options.MaxChoices == 1)
        {
            features.Remove(EngineFeatures.ManyChoices);
        }

        return [.. features];
    }
}
