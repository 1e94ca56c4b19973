using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Souk.Protocol;

/// <summary>
/// Top-k, min-p and top-p as souk-gumbel-1 defines them: on the list sorted by (score descending, id ascending),
/// summed in that order. Sorting the whole vocabulary is avoided only where the result is provably the same.
/// </summary>
internal sealed class CandidateFilter
{
    // Buckets of a quarter of a nat below the greatest score, for finding how far down top-p reaches.
    private const int Buckets = 256;
    private const double BucketsPerNat = 4;

    // exp(-50) is so far below what the sum of five million weights can resolve that it counts as zero.
    private const double Negligible = -50;

    // Top-p rarely reaches further down than one of these, so that few tokens are looked at twice.
    private const double Near = -4;
    private const double Far = -12;

    // No bound: what is not barred differs from the greatest by less.
    private const double Everything = double.MinValue;

    private readonly int _topK;
    private readonly double _minP;
    private readonly double _topP;
    private readonly Candidate[] _candidates;
    private readonly double[] _weights;
    private readonly double[] _bucketSums = new double[Buckets];

    public CandidateFilter(SamplingParameters parameters, SamplingBuffers buffers)
    {
        _topK = parameters.TopK >= buffers.Vocabulary ? 0 : parameters.TopK;
        _minP = parameters.MinP;
        _topP = parameters.TopP;
        _candidates = buffers.Candidates;
        _weights = buffers.Weights;
    }

    /// <summary>True when every token survives.</summary>
    public bool IsOff => _topK == 0 && _minP <= 0 && _topP >= 1;

    /// <summary>The surviving tokens; at least one. Valid until the next call.</summary>
    public ReadOnlySpan<Candidate> Survivors(ReadOnlySpan<double> scores, int greatest)
    {
        var max = scores[greatest];
        if (_topK > 0)
        {
            return KeepLikely(KeepTop(scores, max), max);
        }

        // Min-p needs exp(score - max) >= min_p; a score clearly below that cannot have it, whatever the rounding.
        return _minP > 0
            ? KeepLikely(Collect(scores, max, PortableMath.Ln(_minP) - 1e-6), max)
            : KeepPrefix(scores, max);
    }

    // The tokens within a distance below the greatest, by id. Barred ones are at no distance.
    private int Collect(ReadOnlySpan<double> scores, double max, double reach)
    {
        var count = 0;
        var rows = Lanes.Rows(scores);
        for (var i = 0; i < rows.Length; i++)
        {
            var within = Vector512.GreaterThanOrEqual(rows[i] - Vector512.Create(max), Vector512.Create(reach));
            for (var left = within.ExtractMostSignificantBits(); left != 0; left &= left - 1)
            {
                var v = Lanes.Index(i, left);
                _candidates[count++] = new Candidate(scores[v], v);
            }
        }

        return count;
    }

    private int KeepTop(ReadOnlySpan<double> scores, double max)
    {
        var count = Collect(scores, max, Math.Max(LeastOfTop(scores) - max, Everything));
        _candidates.AsSpan(0, count).Sort();
        return Math.Min(count, _topK);
    }

    // At least k tokens score as much as this: the vocabulary is cut into about four times k parts, whose greatest are
    // different tokens, and the k-th greatest of these is taken.
    private double LeastOfTop(ReadOnlySpan<double> scores)
    {
        var rows = Lanes.Rows(scores);
        var best = MemoryMarshal.Cast<double, Vector512<double>>(_weights.AsSpan());
        var blocks = (int)Math.Min(rows.Length, ((4L * _topK) + Lanes.Width - 1) / Lanes.Width);
        for (var block = 0; block < blocks; block++)
        {
            var row = (int)((long)rows.Length * block / blocks);
            var end = (int)((long)rows.Length * (block + 1) / blocks);
            for (best[block] = rows[row++]; row < end; row++)
            {
                best[block] = Vector512.MaxNative(best[block], rows[row]);
            }
        }

        var greatest = _weights.AsSpan(0, blocks * Lanes.Width);
        greatest.Sort();
        return greatest[^_topK];
    }

    // Min-p, then top-p, on the first count candidates.
    private ReadOnlySpan<Candidate> KeepLikely(int count, double max)
    {
        if (_minP > 0)
        {
            var kept = 0;
            for (var i = 0; i < count; i++)
            {
                if (PortableMath.Exp(_candidates[i].Score - max) >= _minP)
                {
                    _candidates[kept++] = _candidates[i];
                }
            }

            count = kept;
        }

        var list = _candidates.AsSpan(0, count);
        if (_topP >= 1)
        {
            return list;
        }

        list.Sort();
        var total = 0.0;
        for (var i = 0; i < count; i++)
        {
            _weights[i] = PortableMath.Exp(list[i].Score - max);
            total += _weights[i];
        }

        return list[..PrefixLength(_weights.AsSpan(0, count), _topP * total)];
    }

    // Top-p alone. The sum runs over the whole vocabulary, yet only the bucket in which it reaches the threshold needs
    // sorting, as long as the end of the prefix is clear of what rounding in another order could move.
    private ReadOnlySpan<Candidate> KeepPrefix(ReadOnlySpan<double> scores, double max)
    {
        var (total, near, far) = Weigh(scores, max);

        // Two orders of summing n positive numbers differ by less than 2 n units of 2^-53 of the sum. The last term
        // also covers the weights that were taken for zero.
        var threshold = _topP * total;
        var slack = (total * scores.Length * 4.5e-16) + (total * 1e-15);
        var reach = near >= threshold + slack ? Near : far >= threshold + slack ? Far : Everything;
        var (sure, edge, above) = Split(Collect(scores, max, reach), max, threshold);
        var list = _candidates.AsSpan(sure, edge);
        list.Sort();
        var reached = above;
        for (var length = 1; length <= edge; length++)
        {
            var before = reached;
            reached += _weights[list[length - 1].Id];
            if (reached >= threshold - slack)
            {
                var isFirst = sure == 0 && length == 1;
                if (reached >= threshold + slack && (before < threshold - slack || isFirst))
                {
                    return _candidates.AsSpan(0, sure + length);
                }

                break;
            }
        }

        return KeepLikely(Collect(scores, max, Everything), max);
    }

    // The weight of every token; their sum, and the sums of those that are near and not too far.
    private (double Total, double Near, double Far) Weigh(ReadOnlySpan<double> scores, double max)
    {
        var (total, near, far) = (Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero);
        var rows = Lanes.Rows(scores);
        var weights = MemoryMarshal.Cast<double, Vector512<double>>(_weights.AsSpan());
        for (var i = 0; i < rows.Length; i++)
        {
            var x = rows[i] - Vector512.Create(max);
            var row = PortableMath.Exp(x) & Vector512.GreaterThanOrEqual(x, Vector512.Create(Negligible));
            weights[i] = row;
            total += row;
            near += row & Vector512.GreaterThanOrEqual(x, Vector512.Create(Near));
            far += row & Vector512.GreaterThanOrEqual(x, Vector512.Create(Far));
        }

        return (Vector512.Sum(total), Vector512.Sum(near), Vector512.Sum(far));
    }

    // Of the first count candidates, those in the buckets above that in which the weights reach a threshold, in any
    // order, then those in it; how many each are, and what those above weigh. A bucket's all sort after those above.
    private (int Above, int Within, double Weight) Split(int count, double max, double threshold)
    {
        Array.Clear(_bucketSums);
        foreach (var candidate in _candidates.AsSpan(0, count))
        {
            _bucketSums[Bucket(candidate.Score, max)] += _weights[candidate.Id];
        }

        var (depth, weight) = (0, 0.0);
        while (depth < Buckets - 1 && weight + _bucketSums[depth] < threshold)
        {
            weight += _bucketSums[depth++];
        }

        var (above, within) = (0, 0);
        for (var i = 0; i < count; i++)
        {
            var candidate = _candidates[i];
            var bucket = Bucket(candidate.Score, max);
            if (bucket == depth)
            {
                _candidates[above + within++] = candidate;
            }
            else if (bucket < depth)
            {
                // Those within stay behind those above, so the first of them gives its place up.
                _candidates[above + within] = _candidates[above];
                _candidates[above++] = candidate;
            }
        }

        return (above, within, weight);
    }

    private static int Bucket(double score, double max) =>
        (int)Math.Min((max - score) * BucketsPerNat, Buckets - 1);

    // Length of the shortest prefix whose sum reaches the threshold, at least 1.
    private static int PrefixLength(ReadOnlySpan<double> weights, double threshold)
    {
        var length = 1;
        for (var reached = weights[0]; reached < threshold && length < weights.Length;)
        {
            reached += weights[length++];
        }

        return length;
    }
}
