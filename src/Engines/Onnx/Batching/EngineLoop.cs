using System.Collections.Concurrent;
using Microsoft.ML.OnnxRuntime;
using Souk.Protocol;

namespace Souk.Engines.Onnx.Batching;

/// <summary>
/// One thread that steps batches. Between two steps it takes newcomers, computes at most a chunk of prompts, and lets
/// go of who left; a choice whose consumer does not keep up, or whose mask takes long, is set aside with its keys and
/// values, so that it holds up nobody else.
/// </summary>
internal sealed class EngineLoop : IDisposable
{
    private readonly LoopPlan plan;
    private readonly Thread thread;
    private readonly object guard = new();
    private readonly ConcurrentQueue<ActiveRequest> given = new();
    private readonly List<ActiveRequest> active = [];
    private readonly LinkedList<Prefill> prefills = [];
    private readonly SetAside parked;
    private readonly BatchSet batches;
    private readonly Pass pass;
    private readonly SamplingBuffers buffers;
    private readonly RunOptions shared = new();
    private volatile bool isStopping;
    private bool hasNews;

    public EngineLoop(LoopPlan plan, int index)
    {
        this.plan = plan;
        batches = new BatchSet(plan.Decoder, plan.Layout, plan.MostRows, plan.WeightBytes);
        parked = new SetAside(plan.Masks, Wake);
        pass = new Pass(plan.Decoder);
        buffers = new SamplingBuffers(plan.Decoder.Shape.Vocabulary);
#pragma warning disable RS0030 // ONNX Runtime blocks its caller for a whole pass, so it needs its own threads.
        thread = new Thread(Run) { IsBackground = true, Name = $"souk-inference-{index}" };
#pragma warning restore RS0030
    }

    /// <summary>Requests given to this loop and not released; guarded by the waiting line.</summary>
    public List<ActiveRequest> Assigned { get; } = [];

    public static EngineException Stopped(Exception? inner) =>
        new(Fault.Ours, "engine_stopped", "This engine is being stopped. Try again elsewhere.", inner);

    public void Start() => thread.Start();

    public void Give(ActiveRequest request)
    {
        given.Enqueue(request);
        Wake();
    }

    /// <summary>Something changed that the loop should look at.</summary>
    public void Wake()
    {
        lock (guard)
        {
            hasNews = true;
            Monitor.Pulse(guard);
        }
    }

    /// <summary>Ends all requests; waits for the pass that is under way.</summary>
    public void Dispose()
    {
        isStopping = true;
        Wake();
        thread.Join();
        foreach (var request in active.Concat(given))
        {
            request.End(Stopped(null));
            request.Release();
        }

        Drop();
        pass.Dispose();
        shared.Dispose();
    }

    private void Run()
    {
        while (!isStopping)
        {
            try
            {
                if (!Turn())
                {
                    Wait();
                }
            }
#pragma warning disable CA1031 // A fault of the loop itself ends what runs, and nothing else.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                active.ForEach(request => request.End(Failed(failure)));
                Drop();
            }
        }
    }

    /// <summary>One step of everything; false when there was nothing to do.</summary>
    private bool Turn()
    {
        bool hasWorked = false;
        while (given.TryDequeue(out var request))
        {
            hasWorked = true;
            Begin(request);
        }

        Sweep();
        parked.Resume(batches);
        for (int budget = plan.Chunk; budget > 0 && prefills.First is { } first;)
        {
            hasWorked = true;
            budget -= Advance(first.Value, budget);
        }

        batches.Settle();
        foreach (var batch in batches.Batches)
        {
            if (batch.Live > 0)
            {
                hasWorked = true;
                Step(batch);
            }
        }

        return hasWorked;
    }

    private void Wait()
    {
        lock (guard)
        {
            while (!hasNews)
            {
                Monitor.Wait(guard);
            }

            hasNews = false;
        }
    }

    /// <summary>Frees all keys and values but those kept for reuse.</summary>
    private void Drop()
    {
        foreach (var prefill in prefills)
        {
            prefill.Dispose();
        }

        prefills.Clear();
        parked.Clear();
        batches.Clear();
        foreach (var choice in active.SelectMany(request => request.Choices))
        {
            choice.Batch = null;
        }
    }

    private void Begin(ActiveRequest request)
    {
        active.Add(request);
        Guarded(request, () =>
        {
            request.Begin(plan.Tokenizer, buffers);
            bool isScored = request.Asked.PromptLogprobs;
            bool isEmpty = request.Limit == 0 && !isScored;

            // Logits that a reused beginning had are gone, so a prompt that is to be scored is computed as a whole.
            var reused = isScored || isEmpty ? null : plan.Store.Find(request.Payer, request.Prompt);
            int cached = reused?.Width ?? 0;
            request.Say(new PromptCounted(request.Prompt.Length - cached, cached, request.Prompt));
            if (isEmpty)
            {
                EndEmpty(request);
                return;
            }

            // A newcomer's first chunk comes next, so that a short prompt need not wait for long ones.
            prefills.AddFirst(new Prefill(plan, request, reused));
        });
        request.Tell();
    }

    /// <summary>Computes a chunk of a prompt, and the first tokens when it was the last; the next chunk's turn comes
    /// after everybody else's.</summary>
    private int Advance(Prefill prefill, int budget)
    {
        prefills.Remove(prefill);
        var request = prefill.Request;
        int count = 0;
        bool isDone = Guarded(request, () => count = prefill.Advance(pass, budget));
        request.Tell();
        if (!isDone)
        {
            prefill.Dispose();
            return budget;
        }

        if (!prefill.IsDone)
        {
            prefills.AddLast(prefill);
            return count;
        }

        request.IsRead = true;
        bool hasBegun = Guarded(request, () => First(prefill));
        request.Tell();
        batches.Settle();
        if (hasBegun)
        {
            plan.Store.Keep(request.Payer, request.Prompt, prefill.Take());
        }

        prefill.Dispose();
        return count;
    }

    private void First(Prefill prefill)
    {
        var request = prefill.Request;
        if (request.Limit == 0)
        {
            EndEmpty(request);
            return;
        }

        foreach (var choice in request.Choices)
        {
            choice.Take(prefill.Logits());
            if (choice.Reason is null && !choice.IsReady)
            {
                parked.Add(choice, prefill.Held.Copy());
            }
            else if (choice.Reason is null)
            {
                batches.Add(new Joiner(choice, prefill.Held, 0, 0, request.Prompt.Length), isOwned: false);
            }
        }

        EndIfWhole(request);
    }

    private void Step(Batch batch)
    {
        try
        {
            batch.Step(pass, shared);
        }
#pragma warning disable CA1031 // Whatever a pass throws belongs to the requests in it; the thread serves others.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            foreach (var joiner in batch.AsJoiners().ToList())
            {
                joiner.Choice.Request.End(Failed(failure));
            }

            return;
        }

        for (int row = 0; row < batch.Rows; row++)
        {
            if (batch[row] is { } choice && !choice.Request.IsOver)
            {
                Guarded(choice.Request, (choice, pass, row), static it => it.choice.Take(it.pass.Logits(it.row, 0)));
            }
        }

        for (int row = 0; row < batch.Rows; row++)
        {
            if (batch[row] is { } choice && !choice.Request.IsOver)
            {
                After(batch, row, choice);
                choice.Request.Tell();
            }
        }
    }

    private void After(Batch batch, int row, ChoiceRun choice)
    {
        var request = choice.Request;
        if (choice.Reason is not null)
        {
            if (request.Choices.Length == 1)
            {
                // The last token was picked but never fed, so it has no keys and values.
                plan.Store.Keep(request.Payer, [.. request.Prompt, .. choice.Ids.SkipLast(1)], batch.Extract(row));
            }

            batch.Leave(row);
            choice.Batch = null;
            EndIfWhole(request);
        }
        else if (!choice.IsReady || !request.HasRoom(choice.Index))
        {
            parked.Add(choice, batch.Extract(row));
            batch.Leave(row);
        }
    }

    /// <summary>Lets go of requests that are over or whose consumer left.</summary>
    private void Sweep()
    {
        for (int i = active.Count - 1; i >= 0; i--)
        {
            var request = active[i];
            if (!request.HasLeft && !request.IsOver)
            {
                continue;
            }

            active.RemoveAt(i);
            if (prefills.FirstOrDefault(prefill => prefill.Request == request) is { } prefill)
            {
                prefills.Remove(prefill);
                prefill.Dispose();
            }

            foreach (var choice in request.Choices)
            {
                choice.Batch?.Leave(choice.Row);
                parked.Forget(choice);
            }

            request.End();
            plan.Line.Leave(request);
            request.Release();
        }
    }

    private static void EndEmpty(ActiveRequest request)
    {
        foreach (var choice in request.Choices)
        {
            choice.EndEmpty();
        }

        request.End();
    }

    private static void EndIfWhole(ActiveRequest request)
    {
        if (Array.TrueForAll(request.Choices, choice => choice.Reason is not null))
        {
            request.End();
        }
    }

    /// <summary>Work for one request, whose failure is its own; false when it failed.</summary>
    private static bool Guarded(ActiveRequest request, Action work) => Guarded(request, work, static it => it());

    private static bool Guarded<T>(ActiveRequest request, T subject, Action<T> work)
    {
        try
        {
            work(subject);
            return true;
        }
#pragma warning disable CA1031 // Whatever is thrown belongs to the request; the thread serves others.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            request.End(Failed(failure));
            return false;
        }
    }

    private static EngineException Failed(Exception failure) => failure switch
    {
        EngineException told => told,
        SamplingException => new EngineException(
            Fault.Ours, "engine_failed", "The model computed no distribution of tokens.", failure),
        _ => new EngineException(Fault.Ours, "engine_failed", "The model failed while generating.", failure),
    };
}
