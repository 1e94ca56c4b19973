using System.Text;

namespace Souk.OpenAi.Tokens;

/// <summary>
/// SentencePiece's unigram model: the segmentation with the greatest sum of scores. A character that starts no token of
/// its own costs ten less than the worst token; what stays unknown is one unknown token, or the bytes of the stretch.
/// </summary>
internal sealed class Unigram : ITokenModel
{
    private const double UnknownPenalty = 10;

    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _ids;
    private readonly double[] _scores;
    private readonly int _unknownId;
    private readonly int[]? _byteIds;
    private readonly double _unknownScore;

    // A trie over UTF-16 units: (node, unit) to child; a node that ends a token has its id.
    private readonly Dictionary<long, int> _children = [];
    private readonly List<int> _ends = [-1];

    internal Unigram(Dictionary<string, int> vocabulary, double[] scores, int unknownId, int[]? byteIds)
    {
        _ids = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        _scores = scores;
        _unknownId = unknownId;
        _byteIds = byteIds;
        _unknownScore = scores.Min() - UnknownPenalty;
        foreach (var (token, id) in vocabulary)
        {
            Insert(token, id);
        }
    }

    public void Encode(ReadOnlySpan<char> piece, List<int> ids)
    {
        var best = BestPaths(piece);
        var cuts = new List<(int Start, int End)>();
        for (var end = piece.Length; end > 0;)
        {
            var start = best[end].Start;
            while (best[end].Id == _unknownId && start > 0 && best[start].Id == _unknownId)
            {
                start = best[start].Start;
            }

            cuts.Add((start, end));
            end = start;
        }

        for (var i = cuts.Count - 1; i >= 0; i--)
        {
            Add(piece[cuts[i].Start..cuts[i].End], ids);
        }
    }

    private void Add(ReadOnlySpan<char> stretch, List<int> ids)
    {
        if (_ids.TryGetValue(stretch, out var id))
        {
            ids.Add(id);
        }
        else if (_byteIds is not null)
        {
            foreach (var value in Encoding.UTF8.GetBytes(stretch.ToArray()))
            {
                ids.Add(_byteIds[value]);
            }
        }
        else
        {
            ids.Add(_unknownId);
        }
    }

    /// <summary>For each end the best last token that ends there.</summary>
    private Path[] BestPaths(ReadOnlySpan<char> piece)
    {
        var best = new Path[piece.Length + 1];
        Array.Fill(best, new Path(0, -1, -1), 1, piece.Length);
        for (var start = 0; start < piece.Length;)
        {
            var length = char.IsHighSurrogate(piece[start]) ? 2 : 1;
            var soFar = best[start].Score;
            var isSingle = false;
            var node = 0;
            for (var end = start; end < piece.Length && _children.TryGetValue(Edge(node, piece[end]), out node);)
            {
                end++;
                if (_ends[node] is var id and >= 0)
                {
                    Offer(ref best[end], new Path(_scores[id] + soFar, start, id));
                    isSingle |= end - start == length;
                }
            }

            if (!isSingle)
            {
                Offer(ref best[start + length], new Path(_unknownScore + soFar, start, _unknownId));
            }

            start += length;
        }

        return best;
    }

    private static void Offer(ref Path held, Path offered)
    {
        if (held.Start < 0 || offered.Score > held.Score)
        {
            held = offered;
        }
    }

    private static long Edge(int node, char unit) => ((long)node << 16) | unit;

    private void Insert(string token, int id)
    {
        var node = 0;
        foreach (var unit in token)
        {
            if (!_children.TryGetValue(Edge(node, unit), out var child))
            {
                child = _ends.Count;
                _ends.Add(-1);
                _children.Add(Edge(node, unit), child);
            }

            node = child;
        }

        _ends[node] = id;
    }

    private readonly record struct Path(double Score, int Start, int Id);
}
