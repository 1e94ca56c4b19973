using System.Threading.Channels;
using Microsoft.ML.OnnxRuntime;
using Souk.Engines.Tools;
using Souk.OpenAi.Tokens;
using Souk.Protocol;

namespace Souk.Engines.Onnx.Batching;

/// <summary>
/// One request between its consumer and the engine thread that works on it. The consumer reads events and may leave;
/// the engine thread owns everything else. While it waits for a place it holds its prompt and little more.
/// </summary>
#pragma warning disable CA1001 // Release ends what it holds, exactly once, after its engine thread has let go of it.
internal sealed class ActiveRequest
#pragma warning restore CA1001
{
    private readonly Channel<EngineEvent> events = Channel.CreateUnbounded<EngineEvent>(
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<EngineEvent> unsaid = [];
    private readonly int ahead;
    private RunOptions? run;
    private Sampler? sampler;
    private int[] untaken = [];
    private volatile bool hasLeft;
    private volatile bool isRead;

    /// <param name="asked">The request, found sound.</param>
    /// <param name="prompt">Its prompt's ids.</param>
    /// <param name="context">Greatest prompt + output, in tokens.</param>
    /// <param name="endIds">Tokens that end an answer.</param>
    /// <param name="ahead">Tokens of a choice that may wait for the consumer.</param>
    public ActiveRequest(EngineRequest asked, int[] prompt, int context, IReadOnlySet<int> endIds, int ahead)
    {
        (Asked, Prompt, EndIds) = (asked, prompt, endIds);
        this.ahead = ahead;
        Limit = Math.Min(asked.MaxTokens, context - prompt.Length);
        Bias = asked.Chat.LogitBias.Count == 0 ? null : new Dictionary<int, double>(asked.Chat.LogitBias);
        Positions = (long)(prompt.Length + Limit) * asked.Choices;
    }

    public EngineRequest Asked { get; }

    public int[] Prompt { get; }

    public IReadOnlySet<int> EndIds { get; }

    /// <summary>What its answers must look like.</summary>
    public AnswerPlan Plan { get; init; } = AnswerPlan.Free;

    /// <summary>Greatest output of one choice, in tokens.</summary>
    public int Limit { get; }

    /// <summary>Tokens of a choice before it may end by itself.</summary>
    public int MinTokens => Asked.Chat.MinTokens ?? 0;

    public Dictionary<int, double>? Bias { get; }

    /// <summary>Positions of keys and values that it may come to hold.</summary>
    public long Positions { get; }

    /// <summary>Whose turn it is counted as.</summary>
    public string Payer => Asked.Payer;

    /// <summary>The engine thread that it was given to; null while it waits.</summary>
    public EngineLoop? Loop { get; set; }

    /// <summary>Empty until it begins.</summary>
    public ChoiceRun[] Choices { get; private set; } = [];

    public Sampler Sampler => sampler!;

    /// <summary>What is told to the consumer. Completes with the failure, if there is one.</summary>
    public ChannelReader<EngineEvent> Events => events.Reader;

    /// <summary>Completes when nothing works on the request any more and its place is free.</summary>
    public Task Released => released.Task;

    /// <summary>The consumer wants nothing more.</summary>
    public bool HasLeft => hasLeft;

    /// <summary>Its prompt went through the model.</summary>
    public bool IsRead
    {
        get => isRead;
        set => isRead = value;
    }

    /// <summary>Nothing more will be told.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Options of passes that serve this request alone.</summary>
    public RunOptions Run => run!;

    /// <summary>Allocates what generating takes, but for what the engine thread's requests share.</summary>
    public void Begin(Tokenizer tokenizer, SamplingBuffers buffers)
    {
        sampler = new Sampler(Asked.Sampling, Asked.Key, buffers);
        untaken = new int[Asked.Choices];
        Choices = [.. Enumerable.Range(0, Asked.Choices).Select(index => new ChoiceRun(this, index, tokenizer))];
        lock (events)
        {
            run = new RunOptions { Terminate = hasLeft };
        }
    }

    /// <summary>Something that the consumer will hear of with the next <see cref="Tell"/>.</summary>
    public void Say(EngineEvent happened)
    {
        if (happened is TokenOut token)
        {
            Interlocked.Increment(ref untaken[token.Choice]);
        }

        unsaid.Add(happened);
    }

    /// <summary>Tells the consumer what was said. A step's tokens are told when all were picked: consumers woken one by
    /// one in between would each put a thread of the pool to sleep again.</summary>
    public void Tell()
    {
        foreach (var happened in unsaid)
        {
            events.Writer.TryWrite(happened);
        }

        unsaid.Clear();
    }

    /// <summary>Whether another token of a choice may be computed before the consumer takes one.</summary>
    public bool HasRoom(int choice) => Volatile.Read(ref untaken[choice]) < ahead;

    /// <summary>Whether the consumer has caught up enough for a choice that was paused to go on.</summary>
    public bool HasCaughtUp(int choice) => Volatile.Read(ref untaken[choice]) <= ahead / 2;

    /// <summary>The consumer took an event.</summary>
    public void Took(EngineEvent happened)
    {
        if (happened is TokenOut token && Interlocked.Decrement(ref untaken[token.Choice]) == ahead / 2)
        {
            Loop!.Wake();
        }
    }

    /// <summary>The consumer wants nothing more; ends a pass that serves this request alone.</summary>
    public void Leave()
    {
        lock (events)
        {
            hasLeft = true;
            if (run is { } passes)
            {
                passes.Terminate = true;
            }
        }
    }

    /// <summary>Nothing more is told: the answer is whole, or it failed.</summary>
    public void End(Exception? failure = null)
    {
        IsOver = true;
        Tell();
        events.Writer.TryComplete(failure);
    }

    /// <summary>Says that its place is free.</summary>
    public void Release()
    {
        lock (events)
        {
            run?.Dispose();
            run = null;
        }

        released.TrySetResult();
    }
}
