namespace Souk.Testbed;

/// <summary>
/// Runs a whole network on one thread from one seed. Continuations wait in one queue, timers in another ordered by
/// (due, sequence); when nothing can run, the clock jumps to the next timer. So the same seed gives the same run, and
/// an hour of waiting costs nothing.
/// </summary>
/// <remarks>
/// Library code that awaits with <c>ConfigureAwait(false)</c> leaves this thread when the thing it waits for is
/// completed under a custom context. Timers and network deliveries therefore run with no context set, where such
/// continuations stay on the thread; code under simulation that still escapes (SemaphoreSlim.WaitAsync with a token,
/// ChannelReader.ReadAllAsync, CancellationTokenSource.CancelAsync) is reported rather than tolerated, because its
/// order would depend on the machine.
/// </remarks>
public sealed class SimulatedScheduler : IDisposable
{
    private const int MostStepsAtOneInstant = 2_000_000;

    /// <summary>
    /// How long, in real time, to look for escaped work before calling an idle simulation a deadlock.
    /// </summary>
    private static readonly TimeSpan EscapeWait = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly List<(SendOrPostCallback Callback, object? State)> _ready = [];
    private readonly PriorityQueue<(SimulatedTimer Timer, long Version), (long Due, long Sequence)> _timers = new();
    private readonly SeededRandomness _order;
    private readonly PostingContext _context;
    private readonly SimulatedClock _clock;
    private readonly bool _interleaves;
    private string? _escape;
    private int _thread;
    private long _sequence;
    private int _head;

    /// <summary>Makes a scheduler at simulated time zero.</summary>
    /// <param name="seed">Fixes every random choice.</param>
    /// <param name="interleaves">
    /// Whether continuations that are ready at the same instant run in a random order (as threads would) instead of in
    /// the order in which they became ready.
    /// </param>
    public SimulatedScheduler(ulong seed, bool interleaves = false)
    {
        Seed = seed;
        Randomness = new SeededRandomness(seed);
        _order = Randomness.Fork("order");
        _context = new(this);
        _clock = new(this);
        _interleaves = interleaves;
        Trace = new(this);
    }

    /// <summary>The seed, to print when a run fails.</summary>
    public ulong Seed { get; }

    /// <summary>The root of all randomness; parts fork their own streams from it.</summary>
    public SeededRandomness Randomness { get; }

    /// <summary>The clock of everything under simulation.</summary>
    public TimeProvider Time => _clock;

    /// <summary>What happened so far.</summary>
    public SimulationTrace Trace { get; }

    /// <summary>Simulated time since the start.</summary>
    public TimeSpan Elapsed { get; private set; }

    /// <summary>Simulated time after which a run that has not ended is called stuck; 30 days unless set.</summary>
    public TimeSpan Horizon { get; init; } = TimeSpan.FromDays(30);

    /// <summary>
    /// Moves the wall clock without time passing, as an operator or NTP would; timers and timestamps do not notice.
    /// </summary>
    public void JumpWallClock(TimeSpan by) => _clock.Offset += by;

    /// <summary>
    /// Runs <paramref name="main"/> and all that it starts until its task ends, and returns its result.
    /// </summary>
    /// <exception cref="SimulationStuckException">It can never end, or left the thread.</exception>
    public T Run<T>(Func<Task<T>> main)
    {
        Task<T>? task = null;
        Pump(
            () =>
            {
                task ??= main();
                return !task.IsCompleted;
            },
            isIdleFine: false,
            Elapsed + Horizon);
        return task!.GetAwaiter().GetResult();
    }

    /// <summary>Runs <paramref name="main"/> and all that it starts until its task ends.</summary>
    public void Run(Func<Task> main) => Run(async () =>
    {
        await main();
        return true;
    });

    /// <summary>Runs what is left until nothing can run and no timer is set.</summary>
    public void RunUntilIdle() => Pump(static () => true, isIdleFine: true, Elapsed + Horizon);

    /// <summary>Runs for a stretch of simulated time.</summary>
    public void RunFor(TimeSpan time)
    {
        var end = Elapsed + time;
        using var wake = _clock.CreateTimer(static _ => { }, null, time, Timeout.InfiniteTimeSpan);
        Pump(() => Elapsed < end, isIdleFine: true, end);
    }

    /// <summary>
    /// Has an action run after a delay, on the scheduler's thread and without a context. Deliveries use it, so that
    /// whatever they complete continues by its own queue entry.
    /// </summary>
    public void After(TimeSpan delay, Action action) =>
        _ = _clock.CreateTimer(static state => ((Action)state!)(), action, delay, Timeout.InfiniteTimeSpan);

    /// <summary>Has an action run soon with the simulation's context, as if awaited code went on there.</summary>
    public void Post(Action action) => _context.Post(static state => ((Action)state!)(), action);

    /// <inheritdoc/>
    public void Dispose() => Trace.Dispose();

    internal void RequireOwnThread()
    {
        if (_thread != 0 && _thread != Environment.CurrentManagedThreadId)
        {
            _escape ??= Environment.StackTrace;
            throw new SimulationStuckException("Work of the simulation runs on a thread of its own.");
        }
    }

    internal void Enqueue(SendOrPostCallback callback, object? state)
    {
        lock (_lock)
        {
            if (_thread != 0 && _thread != Environment.CurrentManagedThreadId)
            {
                _escape ??= Environment.StackTrace;
            }

            _ready.Add((callback, state));
        }
    }

    internal void Arm(SimulatedTimer timer, TimeSpan due)
    {
        RequireOwnThread();
        _timers.Enqueue((timer, ++timer.Version), ((Elapsed + due).Ticks, _sequence++));
    }

    private void Pump(Func<bool> isWanted, bool isIdleFine, TimeSpan end)
    {
        if (_thread != 0)
        {
            throw new InvalidOperationException("The scheduler is already running.");
        }

        var outer = SynchronizationContext.Current;
        _thread = Environment.CurrentManagedThreadId;
        SynchronizationContext.SetSynchronizationContext(_context);
        try
        {
            var steps = 0;
            while (isWanted())
            {
                ThrowIfEscaped();
                if (TryTakeReady(out var callback, out var state))
                {
                    callback(state);
                    if (++steps > MostStepsAtOneInstant)
                    {
                        throw Stuck("never lets time pass");
                    }
                }
                else if (TryFireTimer(end, out var hasAdvanced))
                {
                    steps = hasAdvanced ? 0 : steps + 1;
                }
                else if (_timers.Count == 0 && HasEscapeSoon())
                {
                    ThrowIfEscaped();
                }
                else if (isIdleFine)
                {
                    return;
                }
                else
                {
                    throw Stuck(_timers.Count == 0 ? "waits for something that nobody will do" : "passed its horizon");
                }
            }

            ThrowIfEscaped();
        }
        finally
        {
            _thread = 0;
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    private bool TryTakeReady(out SendOrPostCallback callback, out object? state)
    {
        lock (_lock)
        {
            var count = _ready.Count - _head;
            if (count == 0)
            {
                (callback, state) = (null!, null);
                return false;
            }

            if (_interleaves && count > 1)
            {
                var pick = _head + _order.NextBelow(count);
                (_ready[_head], _ready[pick]) = (_ready[pick], _ready[_head]);
            }

            (callback, state) = _ready[_head];
            _ready[_head++] = default;
            if (_head == _ready.Count)
            {
                _ready.Clear();
                _head = 0;
            }

            return true;
        }
    }

    private bool TryFireTimer(TimeSpan end, out bool hasAdvanced)
    {
        hasAdvanced = false;
        while (_timers.TryPeek(out var entry, out var key))
        {
            if (entry.Version != entry.Timer.Version)
            {
                _timers.Dequeue();
                continue;
            }

            var due = TimeSpan.FromTicks(key.Due);
            if (due > end)
            {
                return false;
            }

            _timers.Dequeue();
            hasAdvanced = due > Elapsed;
            Elapsed = due > Elapsed ? due : Elapsed;
            SynchronizationContext.SetSynchronizationContext(null);
            try
            {
                entry.Timer.Fire();
            }
            finally
            {
                SynchronizationContext.SetSynchronizationContext(_context);
            }

            return true;
        }

        return false;
    }

    private bool HasEscapeSoon() => SpinWait.SpinUntil(() => Volatile.Read(ref _escape) is not null, EscapeWait);

    private void ThrowIfEscaped()
    {
        if (Volatile.Read(ref _escape) is { } stack)
        {
            throw Stuck($"left its thread; await on the caller's context instead. It came back from:\n{stack}\n");
        }
    }

    private SimulationStuckException Stuck(string how) =>
        new($"The simulation with seed {Seed} {how} at {Elapsed:c}. Last events:\n"
            + string.Join('\n', Trace.LastEvents));

    private sealed class PostingContext(SimulatedScheduler scheduler) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => scheduler.Enqueue(d, state);

        public override void Send(SendOrPostCallback d, object? state) =>
            throw new NotSupportedException("A blocking call into the simulation would deadlock on its one thread.");

        public override SynchronizationContext CreateCopy() => this;
    }
}
