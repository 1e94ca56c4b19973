using System.Collections.Concurrent;

namespace Souk.Engines.Onnx;

/// <summary>The adapter between awaiting code and ONNX Runtime's blocking calls: a fixed set of threads of our own,
/// so that inference neither blocks a request's context nor starves the shared pool.</summary>
internal sealed class InferenceThreads : IDisposable
{
    private readonly BlockingCollection<Action> work = [];
    private readonly Thread[] threads;

    public InferenceThreads(int count)
    {
        threads = new Thread[count];
        for (int i = 0; i < count; i++)
        {
#pragma warning disable RS0030 // ONNX Runtime blocks its caller for a whole pass, so it needs its own threads.
            threads[i] = new Thread(Drain) { IsBackground = true, Name = $"souk-inference-{i}" };
#pragma warning restore RS0030
            threads[i].Start();
        }
    }

    /// <summary>Runs a blocking step on one of the threads; its exception becomes the task's.</summary>
    public Task<T> RunAsync<T>(Func<T> step)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Add(() =>
        {
            try
            {
                done.SetResult(step());
            }
#pragma warning disable CA1031 // Whatever a step throws belongs to its awaiter; the thread serves other requests.
            catch (Exception thrown)
#pragma warning restore CA1031
            {
                done.SetException(thrown);
            }
        });
        return done.Task;
    }

    /// <summary>Runs a step that throws nothing and that nobody awaits.</summary>
    public void Add(Action step) => work.Add(step);

    public void Dispose()
    {
        work.CompleteAdding();
        foreach (var thread in threads)
        {
            thread.Join();
        }

        work.Dispose();
    }

    private void Drain()
    {
        foreach (var step in work.GetConsumingEnumerable())
        {
            step();
        }
    }
}
