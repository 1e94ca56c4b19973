using System.Buffers;

namespace Souk.OpenAi.Tokens;

/// <summary>
/// The merging half of byte-pair encoding: of a row of ids, the neighbouring pair whose merge has the lowest rank,
/// leftmost first, is merged until no merge applies. Immutable and safe for concurrent use.
/// </summary>
internal sealed class PairMerges(Dictionary<long, PairMerges.Merge> merges)
{
    /// <summary>
    /// Up to this many symbols a scan per merge is quicker than a queue; words are nearly always shorter.
    /// </summary>
    private const int ScanLength = 32;

    internal static long Key(int left, int right) => ((long)left << 32) | (uint)right;

    /// <summary>Merges in place and adds what is left to <paramref name="ids"/>.</summary>
    internal void Apply(Span<int> symbols, List<int> ids)
    {
        if (symbols.Length <= ScanLength)
        {
            ApplyByScan(symbols, ids);
        }
        else
        {
            ApplyByQueue(symbols, ids);
        }
    }

    private void ApplyByScan(Span<int> symbols, List<int> ids)
    {
        var count = symbols.Length;
        while (count > 1)
        {
            var best = new Merge(int.MaxValue, 0);
            var at = -1;
            for (var i = 0; i + 1 < count; i++)
            {
                if (merges.TryGetValue(Key(symbols[i], symbols[i + 1]), out var merge) && merge.Rank < best.Rank)
                {
                    (best, at) = (merge, i);
                }
            }

            if (at < 0)
            {
                break;
            }

            symbols[at] = best.Id;
            symbols[(at + 2)..count].CopyTo(symbols[(at + 1)..]);
            count--;
        }

        ids.AddRange(symbols[..count]);
    }

    /// <summary>The same result in n log n, so that a long run without a border cannot cost its square.</summary>
    private void ApplyByQueue(Span<int> symbols, List<int> ids)
    {
        var count = symbols.Length;
        var rented = ArrayPool<int>.Shared.Rent(count * 2);
        var previous = rented.AsSpan(0, count);
        var next = rented.AsSpan(count, count);
        // The priority is rank, then place, in one number.
        var queue = new PriorityQueue<Candidate, long>(count);
        for (var i = 0; i < count; i++)
        {
            previous[i] = i - 1;
            next[i] = i + 1 < count ? i + 1 : -1;
        }

        for (var i = 0; i + 1 < count; i++)
        {
            Offer(queue, symbols, i, i + 1);
        }

        while (queue.TryDequeue(out var candidate, out _))
        {
            // A dead symbol is -1; a changed neighbour shows in the ids, which makes the candidate stale.
            var (left, leftId, rightId, merged) = candidate;
            var right = symbols[left] == leftId ? next[left] : -1;
            if (right < 0 || symbols[right] != rightId)
            {
                continue;
            }

            symbols[left] = merged;
            symbols[right] = -1;
            next[left] = next[right];
            if (next[left] >= 0)
            {
                previous[next[left]] = left;
                Offer(queue, symbols, left, next[left]);
            }

            if (previous[left] >= 0)
            {
                Offer(queue, symbols, previous[left], left);
            }
        }

        for (var i = 0; i >= 0; i = next[i])
        {
            ids.Add(symbols[i]);
        }

        ArrayPool<int>.Shared.Return(rented);
    }

    private void Offer(
        PriorityQueue<Candidate, long> queue, ReadOnlySpan<int> symbols, int left, int right)
    {
        if (merges.TryGetValue(Key(symbols[left], symbols[right]), out var merge))
        {
            queue.Enqueue(new Candidate(left, symbols[left], symbols[right], merge.Id),
                ((long)merge.Rank << 32) | (uint)left);
        }
    }

    internal readonly record struct Merge(int Rank, int Id);

    private readonly record struct Candidate(int Left, int LeftId, int RightId, int Merged);
}
