using Souk.Engines.Onnx.Kv;
using Souk.Protocol;

namespace Souk.Engines.Onnx.Batching;

/// <summary>
/// Who runs and who waits. A request runs when there is a place and its keys and values fit; until then it waits, and
/// what cannot wait is refused at once. Places go to the payer with the fewest requests running, of equals to the one
/// that was served longest ago, and a full line makes room for a payer that has less of it, so that nobody can crowd
/// others out. Safe for concurrent use.
/// </summary>
internal sealed class WaitingLine(KvStore store, int concurrency, int waiting)
{
    private readonly Lock guard = new();
    private readonly Dictionary<string, Payer> payers = new(StringComparer.Ordinal);
    private EngineLoop[] loops = [];
    private Placement placement = new(1, 1);
    private int running;
    private int queued;
    private long turn;
    private bool isClosed;

    /// <summary>The threads that requests are given to, and which of them.</summary>
    public void Open(EngineLoop[] given, Placement among) => (loops, placement) = (given, among);

    /// <summary>What each loop has to do.</summary>
    public IReadOnlyList<LoopLoad> Loads
    {
        get
        {
            lock (guard)
            {
                return ReadLoads();
            }
        }
    }

    /// <summary>Lets a request run or wait.</summary>
    /// <exception cref="EngineException">Ours, "engine_busy": there is no place to wait. Theirs: it could never run.
    /// </exception>
    public void Enter(ActiveRequest request)
    {
        ActiveRequest? displaced = null;
        lock (guard)
        {
            if (isClosed)
            {
                throw EngineLoop.Stopped(null);
            }

            if (request.Positions > store.Positions)
            {
                throw RequestRules.Unsupported(
                    $"{request.Asked.Choices} choices of this length at once", "ask for fewer or shorter choices");
            }

            var payer = Find(request.Payer);
            payer.Waiting.AddLast(request);
            queued++;
            Admit();
            if (queued > waiting)
            {
                displaced = Displace(payer);
            }
        }

        if (displaced == request)
        {
            throw Busy();
        }

        displaced?.End(Busy());
        displaced?.Release();
    }

    /// <summary>Takes a request out that has not run yet; false when it was given to a thread, which will see to it.
    /// </summary>
    public bool TryWithdraw(ActiveRequest request)
    {
        lock (guard)
        {
            if (!payers.TryGetValue(request.Payer, out var payer) || !payer.Waiting.Remove(request))
            {
                return false;
            }

            queued--;
            Forget(payer);
            return true;
        }
    }

    /// <summary>Gives back the place of a request that ran.</summary>
    public void Leave(ActiveRequest request)
    {
        lock (guard)
        {
            var payer = payers[request.Payer];
            payer.Running--;
            running--;
            request.Loop!.Assigned.Remove(request);
            store.Release(request.Positions);
            Forget(payer);
            Admit();
        }
    }

    /// <summary>Lets nobody in any more; returns those that still wait.</summary>
    public IReadOnlyList<ActiveRequest> Close()
    {
        lock (guard)
        {
            isClosed = true;
            var rest = payers.Values.SelectMany(payer => payer.Waiting).ToList();
            foreach (var payer in payers.Values)
            {
                payer.Waiting.Clear();
            }

            queued = 0;
            return rest;
        }
    }

    private void Admit()
    {
        while (!isClosed && queued > 0 && running < concurrency)
        {
            var next = payers.Values.Where(payer => payer.Waiting.Count > 0)
                .MinBy(payer => (payer.Running, payer.ServedAt, payer.Name))!;
            var request = next.Waiting.First!.Value;
            if (!store.TryReserve(request.Positions))
            {
                // The next one might fit, but passing it over again and again would starve whoever needs much.
                return;
            }

            next.Waiting.RemoveFirst();
            next.Running++;
            next.ServedAt = ++turn;
            queued--;
            running++;
            request.Loop = LoopFor(request);
            request.Loop.Assigned.Add(request);
            request.Loop.Give(request);
        }
    }

    private EngineLoop LoopFor(ActiveRequest request) => loops[
        placement.Choose(ReadLoads(), request.Asked.Choices, placement.IsLong(request.Prompt.Length))];

    private LoopLoad[] ReadLoads() =>
    [
        .. loops.Select(loop => new LoopLoad(
            loop.Assigned.Sum(given => given.Asked.Choices),
            loop.Assigned.Exists(given => !given.IsRead && placement.IsLong(given.Prompt.Length)))),
    ];

    /// <summary>The newest waiting request of the payer that has most of the line; that of <paramref name="payer"/>
    /// where nobody has more.</summary>
    private ActiveRequest Displace(Payer payer)
    {
        var greediest = payers.Values.MaxBy(other => (other.Waiting.Count, other == payer, other.Name))!;
        var newest = greediest.Waiting.Last!.Value;
        greediest.Waiting.RemoveLast();
        queued--;
        Forget(greediest);
        return newest;
    }

    private Payer Find(string name)
    {
        if (!payers.TryGetValue(name, out var payer))
        {
            payers.Add(name, payer = new Payer(name));
        }

        return payer;
    }

    private void Forget(Payer payer)
    {
        if (payer is { Running: 0, Waiting.Count: 0 })
        {
            payers.Remove(payer.Name);
        }
    }

    private static EngineException Busy() =>
        new(Fault.Ours, "engine_busy", "All places of this engine are taken. Try again shortly or elsewhere.");

    private sealed class Payer(string name)
    {
        public string Name { get; } = name;

        public LinkedList<ActiveRequest> Waiting { get; } = [];

        public int Running { get; set; }

        public long ServedAt { get; set; }
    }
}
