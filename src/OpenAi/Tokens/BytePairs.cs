using System.Buffers;

namespace Souk.OpenAi.Tokens;

/// <summary>
/// Byte-pair encoding over ids: a piece starts as one id per byte, and the neighbouring pair whose merge has the lowest
/// rank, leftmost first, is merged until no merge applies. Immutable and safe for concurrent use.
/// </summary>
internal sealed class BytePairs
{
    /// <summary>
    /// Up to this many bytes a scan per merge is quicker than a queue; words are nearly always shorter.
    /// </summary>
    private const int ScanLength = 32;

    private readonly int[] _byteIds;
    private readonly Dictionary<long, Merge> _merges;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _whole;
    private readonly bool _takesWholePieces;

    /// <param name="byteIds">The id of each of the 256 bytes.</param>
    /// <param name="merges">Left and right id as <see cref="Key"/>, with rank and resulting id.</param>
    /// <param name="takesWholePieces">A piece that is in the vocabulary is one token (ignore_merges).</param>
    internal BytePairs(
        int[] byteIds, Dictionary<long, Merge> merges, Dictionary<string, int> vocabulary, bool takesWholePieces)
    {
        _byteIds = byteIds;
        _merges = merges;
        _whole = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        _takesWholePieces = takesWholePieces;
    }

    internal static long Key(int left, int right) => ((long)left << 32) | (uint)right;

    internal void Encode(ReadOnlySpan<byte> piece, List<int> ids)
    {
        if (piece.Length == 1)
        {
            ids.Add(_byteIds[piece[0]]);
            return;
        }

        if (_takesWholePieces && FindWhole(piece) is { } whole)
        {
            ids.Add(whole);
            return;
        }

        if (piece.Length <= ScanLength)
        {
            EncodeByScan(piece, ids);
        }
        else
        {
            EncodeByQueue(piece, ids);
        }
    }

    private int? FindWhole(ReadOnlySpan<byte> piece)
    {
        // Vocabulary entries of more than 1,024 bytes do not occur; without this bound a long piece is copied in vain.
        if (piece.Length > 1_024)
        {
            return null;
        }

        Span<char> characters = stackalloc char[piece.Length];
        ByteAlphabet.Write(piece, characters);
        return _whole.TryGetValue(characters, out var id) ? id : null;
    }

    private void EncodeByScan(ReadOnlySpan<byte> piece, List<int> ids)
    {
        Span<int> symbols = stackalloc int[ScanLength];
        var count = piece.Length;
        for (var i = 0; i < count; i++)
        {
            symbols[i] = _byteIds[piece[i]];
        }

        while (count > 1)
        {
            var best = new Merge(int.MaxValue, 0);
            var at = -1;
            for (var i = 0; i + 1 < count; i++)
            {
                if (_merges.TryGetValue(Key(symbols[i], symbols[i + 1]), out var merge) && merge.Rank < best.Rank)
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
    private void EncodeByQueue(ReadOnlySpan<byte> piece, List<int> ids)
    {
        var count = piece.Length;
        var rented = ArrayPool<int>.Shared.Rent(count * 3);
        var symbols = rented.AsSpan(0, count);
        var previous = rented.AsSpan(count, count);
        var next = rented.AsSpan(count * 2, count);
        // The priority is rank, then place, in one number.
        var queue = new PriorityQueue<Candidate, long>(count);
        for (var i = 0; i < count; i++)
        {
            symbols[i] = _byteIds[piece[i]];
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
        if (_merges.TryGetValue(Key(symbols[left], symbols[right]), out var merge))
        {
            queue.Enqueue(new Candidate(left, symbols[left], symbols[right], merge.Id),
                ((long)merge.Rank << 32) | (uint)left);
        }
    }

    internal readonly record struct Merge(int Rank, int Id);

    private readonly record struct Candidate(int Left, int LeftId, int RightId, int Merged);
}
