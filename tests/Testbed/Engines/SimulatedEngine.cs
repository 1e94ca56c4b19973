using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Souk.Engines;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Embeddings;
using Souk.OpenAi.Tokens;
using Souk.Protocol;

namespace Souk.Testbed.Engines;

/// <summary>
/// An engine without a model: each token is a letter that follows from the sampling key, so the same key gives the same
/// answer. It is pulled as a real one is, takes simulated time, and fails where a test wants it to.
/// </summary>
public sealed class SimulatedEngine(EngineModel model, TimeProvider time) : IEngine
{
    private const string Letters = "abcdefghijklmnopqrstuvwxyz ";
    private readonly PromptEncoder _encoder = TinyModel.Encoder(model);

    /// <inheritdoc/>
    public EngineModel Model { get; } = model;

    /// <summary>Tokens of an answer, its end token included, where the request allows so many.</summary>
    public int Tokens { get; set; } = 12;

    /// <summary>While true an answer ends only at its limit.</summary>
    public bool IsEndless { get; set; }

    /// <summary>What is said instead of letters, piece by piece: the text generated, and of it the content and the
    /// deltas of tool calls. Null for letters.</summary>
    public IReadOnlyList<(string Text, string Content, string ToolCalls)>? Script { get; set; }

    /// <summary>After how many tokens of a choice the engine fails; null for never.</summary>
    public int? FailsAfter { get; set; }

    /// <summary>What it fails with.</summary>
    public Func<Exception> Failure { get; set; } =
        () => new EngineException(Fault.Ours, "engine_failed", "The simulated engine failed.");

    /// <summary>Prompt tokens that the engine counts beyond those that it encodes.</summary>
    public int OvercountsPrompt { get; set; }

    /// <summary>Output tokens of a choice that the engine reports at its end beyond those that it generated.</summary>
    public int OvercountsOutput { get; set; }

    /// <summary>Time that the prompt takes.</summary>
    public TimeSpan PrefillTime { get; set; } = TimeSpan.FromMilliseconds(40);

    /// <summary>Time that each token takes.</summary>
    public TimeSpan TokenTime { get; set; } = TimeSpan.FromMilliseconds(15);

    /// <summary>Tokens generated since the start, delivered or not.</summary>
    public int Generated { get; private set; }

    /// <summary>Requests under way.</summary>
    public int Running { get; private set; }

    /// <inheritdoc/>
    public int[]? EncodePrompt(ChatRequest chat)
    {
        var ids = _encoder.Encode(chat);
        if (!ids.IsOk)
        {
            throw new EngineException(Fault.Theirs, ids.Error.Code ?? "invalid_prompt", ids.Error.Message);
        }

        if (ids.Value.Length >= Model.Context)
        {
            throw new EngineException(Fault.Theirs, "context_length_exceeded", "The prompt does not fit.");
        }

        return Model.Counting == CountingKinds.Ids ? ids.Value : null;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<EngineEvent> GenerateAsync(
        EngineRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Running++;
        try
        {
            var prompt = _encoder.Encode(request.Chat).Value;
            var countsIds = Model.Counting == CountingKinds.Ids;
            yield return new PromptCounted(prompt.Length + OvercountsPrompt, 0, countsIds ? prompt : null);
            await Task.Delay(PrefillTime, time, cancellationToken);
            if (request.PromptLogprobs)
            {
                // In two pieces, as an engine that reads its prompt in pieces may send it.
                var half = prompt.Length / 2;
                yield return new PromptScored(Logprobs(prompt[..half], isFirst: true));
                yield return new PromptScored(Logprobs(prompt[half..]));
            }

            for (var choice = 0; choice < request.Choices; choice++)
            {
                var limit = Math.Min(request.MaxTokens, Model.Context - prompt.Length);
                await foreach (var happened in AnswerAsync(request, choice, limit, cancellationToken))
                {
                    yield return happened is TokenOut token && !countsIds ? token with { Ids = [] } : happened;
                }
            }
        }
        finally
        {
            Running--;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async IAsyncEnumerable<EngineEvent> AnswerAsync(
        EngineRequest request, int choice, int limit, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (Script is { } script)
        {
            foreach (var said in Say(script, choice))
            {
                Generated += (said as TokenOut)?.Ids.Length ?? 0;
                yield return said;
            }

            yield break;
        }

        var text = _encoder.Tokenizer.NewDecoder();
        var stops = new StopMatcher(request.Stop);
        for (var t = 0; t < limit; t++)
        {
            await Task.Delay(TokenTime, time, cancellation);
            if (t == FailsAfter)
            {
                throw Failure();
            }

            Generated++;
            if (!IsEndless && t == Tokens - 1)
            {
                yield return new TokenOut(choice, [TinyModel.End], stops.Push(text.Flush()).Text + stops.Flush());
                yield return new Finished(choice, "stop", t + 1 + OvercountsOutput);
                yield break;
            }

            var id = Letter(request.Key, choice, t);
            var revealed = stops.Push(text.Append(id));
            if (revealed.IsStopped)
            {
                yield return new TokenOut(choice, [id], revealed.Text);
                yield return new Finished(choice, "stop", t + 1 + OvercountsOutput);
                yield break;
            }

            var isLast = t == limit - 1;
            yield return new TokenOut(
                choice, [id], isLast ? revealed.Text + stops.Push(text.Flush()).Text + stops.Flush() : revealed.Text)
            {
                Logprobs = request.Chat.Logprobs ? Logprobs([id]) : default,
            };
        }

        yield return new Finished(choice, "length", limit + OvercountsOutput);
    }

    /// <summary>The vector of an input: its length, its first and its last id, and a half.</summary>
    public static float[] VectorOf(int[] ids) => [ids.Length, ids[0], ids[^1], 0.5f];

    /// <inheritdoc/>
    public int[][]? EncodeInputs(EmbeddingInputs inputs)
    {
        var ids = _encoder.EncodeInputs(inputs);
        return !ids.IsOk ? throw new EngineException(Fault.Theirs, ids.Error.Code ?? "invalid", ids.Error.Message)
            : Model.Counting == CountingKinds.Ids ? ids.Value : null;
    }

    /// <inheritdoc/>
    public async Task<Embeddings> EmbedAsync(EmbeddingRequest request, CancellationToken cancellationToken)
    {
        Running++;
        try
        {
            await Task.Delay(PrefillTime, time, cancellationToken);
            if (FailsAfter is not null)
            {
                throw Failure();
            }

            var ids = request.InputIds ?? _encoder.EncodeInputs(request.Inputs).Value;
            return new Embeddings([.. ids.Select(VectorOf)], ids.Sum(some => some.Length) + OvercountsPrompt);
        }
        finally
        {
            Running--;
        }
    }

    // Each token is as likely as its place among the letters says, and "z" is always the other choice.
    private static byte[] Logprobs(int[] ids, bool isFirst = false) => JsonSerializer.SerializeToUtf8Bytes(new
    {
        content = ids.Select((id, i) => new
        {
            token = ((char)id).ToString(), logprob = isFirst && i == 0 ? (double?)null : -id / 100.0,
            bytes = new[] { id },
            top_logprobs = isFirst && i == 0 ? []
                : new[] { new { token = "z", logprob = -9.5, bytes = new[] { 122 } } },
        }),
    });

    private IEnumerable<EngineEvent> Say(
        IReadOnlyList<(string Text, string Content, string ToolCalls)> script, int choice)
    {
        var count = 1;
        foreach (var (said, content, calls) in script)
        {
            var ids = _encoder.Tokenizer.Encode(said, parseSpecial: false);
            count += ids.Length;
            foreach (var id in ids[..^1])
            {
                yield return new TokenOut(choice, [id], "");
            }

            yield return new TokenOut(choice, [ids[^1]], content)
            {
                ToolCalls = System.Text.Encoding.UTF8.GetBytes(calls),
            };
        }

        yield return new TokenOut(choice, [TinyModel.End], "");
        yield return new Finished(choice, "tool_calls", count);
    }

    // Numbers 0 to 25 are letters and 26 is the space; a byte's token has the byte's own number.
    private static int Letter(SamplingKey key, int choice, int position)
    {
        var bytes = new byte[SamplingKey.Size + 8];
        key.ToBytes().CopyTo(bytes, 0);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(SamplingKey.Size), choice);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(SamplingKey.Size + 4), position);
        return Letters[Sha.Hash(bytes).ToBytes()[0] % Letters.Length];
    }
}
