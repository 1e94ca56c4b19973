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

    private readonly int _topK;
    private readonly double _minP;
    private readonly double _topP;
    private readonly Candidate[] _candidates;
    private readonly double[] _weights;
    private readonly double[] _bucketSums = new double[Buckets];

    public CandidateFilter(SamplingParameters parameters, int vocabulary)
    {
        _topK = parameters.TopK >= vocabulary ? 0 : parameters.TopK;
        _minP = parameters.MinP;
        _topP = parameters.TopP;
        _candidates = IsOff ? [] : new Candidate[vocabulary];
        _weights = IsOff ? [] : new double[vocabulary];
    }

    /// <summary>True when every token survives.</summary>
    public bool IsOff => _topK == 0 && _minP <= 0 && _topP >= 1;

    /// <summary>The surviving tokens; at least one. Valid until the next call.</summary>
    public ReadOnlySpan<Candidate> Survivors(ReadOnlySpan<double> scores, int greatest)
    {
        var max = scores[greatest];
        if (_topK > 0)
        {
            var count = KeepTop(scores);
            return KeepLikely(count, max);
        }

        return _minP > 0
            ? KeepLikely(Collect(scores, max + LeastScoreOffset()), max)
            : KeepPrefix(scores, max);
    }

    // Min-p needs exp(score - max) >= min_p; a score clearly below that cannot have it, whatever the rounding.
    private double LeastScoreOffset() => PortableMath.Ln(_minP) - 1e-6;

    private int Collect(ReadOnlySpan<double> scores, double least)
    {
        var count = 0;
        for (var v = 0; v < scores.Length; v++)
        {
            if (scores[v] >= least && !double.IsNegativeInfinity(scores[v]))
            {
                _candidates[count++] = new Candidate(scores[v], v);
            }
        }

        return count;
    }

    private int KeepTop(ReadOnlySpan<double> scores)
    {
        // Collects up to twice k, cuts back to the best k, and from then on takes only what beats the worst kept.
        var room = Math.Min(scores.Length, (2 * (long)_topK) + 64);
        var count = 0;
        var least = double.NegativeInfinity;
        for (var v = 0; v < scores.Length; v++)
        {
            // Ids rise, so a later token with the same score as the k-th loses to it.
            if (!(scores[v] > least))
            {
                continue;
            }

            if (count == room)
            {
                _candidates.AsSpan(0, count).Sort();
                count = _topK;
                least = _candidates[count - 1].Score;
                if (!(scores[v] > least))
                {
                    continue;
                }
            }

            _candidates[count++] = new Candidate(scores[v], v);
        }

        _candidates.AsSpan(0, count).Sort();
        return Math.Min(count, _topK);
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
        var total = Weigh(scores, max);

        // Two orders of summing n positive numbers differ by less than 2 n units of 2^-53 of the sum. The last term
        // also covers the weights that were taken for zero.
        var threshold = _topP * total;
        var slack = (total * scores.Length * 4.5e-16) + (total * 1e-15);
        var (depth, above) = (0, 0.0);
        while (depth < Buckets - 1 && above + _bucketSums[depth] < threshold)
        {
            above += _bucketSums[depth++];
        }

        var (sure, edge) = Split(scores, max, depth);
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

        return KeepLikely(Collect(scores, double.NegativeInfinity), max);
    }

    private double Weigh(ReadOnlySpan<double> scores, double max)
    {
        var total = 0.0;
        Array.Clear(_bucketSums);
        for (var v = 0; v < scores.Length; v++)
        {
            var weight = scores[v] - max < Negligible ? 0 : PortableMath.Exp(scores[v] - max);
            _weights[v] = weight;
            total += weight;
            _bucketSums[Bucket(scores[v], max)] += weight;
        }

        return total;
    }

    // The tokens above a bucket first, in any order, then those in it. A bucket's tokens all sort after those above.
    private (int Above, int Within) Split(ReadOnlySpan<double> scores, double max, int depth)
    {
        var above = 0;
        var within = 0;
        for (var v = 0; v < scores.Length; v++)
        {
            var bucket = Bucket(scores[v], max);
            if (bucket < depth)
            {
                _candidates[above++] = new Candidate(scores[v], v);
            }
            else if (bucket == depth && !double.IsNegativeInfinity(scores[v]))
            {
                // Filled from the end, so that one buffer holds both.
                _candidates[^++within] = new Candidate(scores[v], v);
            }
        }

        _candidates.AsSpan(_candidates.Length - within).CopyTo(_candidates.AsSpan(above));
        return (above, within);
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
