namespace Souk.Engines.Onnx.Kv;

/// <summary>
/// The bound on keys and values, counted in positions. Requests reserve what they may come to need; what is left keeps
/// the beginnings of earlier sequences, the least recently used of which give way. A beginning is found again only for
/// the payer that it belongs to, so that nobody can time another's prompts. Safe for concurrent use.
/// </summary>
internal sealed class KvStore(ModelShape shape, long positions) : IDisposable
{
    /// <summary>Below this, finding and copying costs more than it saves.</summary>
    public const int LeastReused = 16;

    /// <summary>Kept sequences are compared one by one, so their number is bounded too.</summary>
    private const int MostKept = 1024;

    private readonly Lock guard = new();
    private readonly Dictionary<string, List<Kept>> byPayer = new(StringComparer.Ordinal);
    private readonly LinkedList<Kept> byUse = [];
    private long reserved;
    private long kept;

    /// <summary>Positions that may be held at the same time.</summary>
    public long Positions { get; } = positions;

    /// <summary>Positions promised to requests.</summary>
    public long Reserved
    {
        get
        {
            lock (guard)
            {
                return reserved;
            }
        }
    }

    /// <summary>Positions kept for reuse.</summary>
    public long KeptPositions
    {
        get
        {
            lock (guard)
            {
                return kept;
            }
        }
    }

    /// <summary>Takes positions for a request, from what is kept where nothing else is free; false when running
    /// requests hold too many.</summary>
    public bool TryReserve(long count)
    {
        lock (guard)
        {
            if (reserved + count > Positions)
            {
                return false;
            }

            reserved += count;
            Evict();
            return true;
        }
    }

    public void Release(long count)
    {
        lock (guard)
        {
            reserved -= count;
        }
    }

    /// <summary>A copy of the keys and values of the longest beginning of <paramref name="prompt"/> that this payer's
    /// sequences left, without the last token, whose logits have to be computed; null when there is none.</summary>
    public KvBlock? Find(string payer, ReadOnlySpan<int> prompt)
    {
        lock (guard)
        {
            Kept? best = null;
            int most = LeastReused - 1;
            foreach (var candidate in byPayer.GetValueOrDefault(payer) ?? [])
            {
                int common = candidate.Ids.AsSpan().CommonPrefixLength(prompt[..^1]);
                if (common > most)
                {
                    (best, most) = (candidate, common);
                }
            }

            if (best is null)
            {
                return null;
            }

            Touch(best);
            var copy = new KvBlock(shape, 1, most);
            best.Block.CopyTo(copy, 0, 0, 0, 0, most);
            return copy;
        }
    }

    /// <summary>Keeps a sequence for reuse, or drops it when it is known already or there is no room.</summary>
    /// <param name="payer">Whose it is.</param>
    /// <param name="ids">The sequence, one id per position of the block.</param>
    /// <param name="block">One row; this store owns it from now on.</param>
    public void Keep(string payer, int[] ids, KvBlock block)
    {
        lock (guard)
        {
            var own = byPayer.GetValueOrDefault(payer) ?? [];
            var longer = own.Find(other => other.Ids.AsSpan().StartsWith(ids));
            if (longer is not null || ids.Length < LeastReused || reserved + ids.Length > Positions)
            {
                block.Dispose();
                if (longer is not null)
                {
                    Touch(longer);
                }

                return;
            }

            foreach (var shorter in own.FindAll(other => ids.AsSpan().StartsWith(other.Ids)))
            {
                Drop(shorter);
            }

            var added = new Kept(payer, ids, block);
            added.Place = byUse.AddLast(added);
            if (!byPayer.TryGetValue(payer, out var list))
            {
                byPayer.Add(payer, list = []);
            }

            list.Add(added);
            kept += ids.Length;
            Evict();
        }
    }

    public void Dispose()
    {
        lock (guard)
        {
            while (byUse.First is { } oldest)
            {
                Drop(oldest.Value);
            }
        }
    }

    private void Touch(Kept used)
    {
        byUse.Remove(used.Place!);
        byUse.AddLast(used.Place!);
    }

    private void Evict()
    {
        while (byUse.First is { } oldest && (reserved + kept > Positions || byUse.Count > MostKept))
        {
            Drop(oldest.Value);
        }
    }

    private void Drop(Kept gone)
    {
        byUse.Remove(gone.Place!);
        var own = byPayer[gone.Payer];
        own.Remove(gone);
        if (own.Count == 0)
        {
            byPayer.Remove(gone.Payer);
        }

        kept -= gone.Ids.Length;
        gone.Block.Dispose();
    }

    private sealed class Kept(string payer, int[] ids, KvBlock block)
    {
        public string Payer { get; } = payer;

        public int[] Ids { get; } = ids;

        public KvBlock Block { get; } = block;

        public LinkedListNode<Kept>? Place { get; set; }
    }
}
