namespace Souk.Protocol;

/// <summary>
/// souk-gumbel-1: token = argmax over the surviving v of logit_v / T + G(choice, t, v). The same logits,
/// parameters and key give the same token in every implementation. One instance serves one answer, from one thread
/// at a time, and allocates nothing per token.
/// </summary>
public sealed class Sampler
{
    /// <summary>The name that offers state.</summary>
    public const string Name = "souk-gumbel-1";

    /// <summary>Below this a temperature counts as zero, so that dividing by it cannot overflow.</summary>
    public const double LeastTemperature = 1e-5;

    private readonly SamplingParameters _parameters;
    private readonly SamplingKey _key;
    private readonly double[] _scores;
    private readonly CandidateFilter _filter;

    /// <summary>Prepares buffers for one answer.</summary>
    /// <param name="parameters">In range; see <see cref="SamplingParameters.Flaw"/>.</param>
    /// <param name="key">The answer's key.</param>
    /// <param name="vocabulary">How many logits a step has.</param>
    public Sampler(SamplingParameters parameters, SamplingKey key, int vocabulary)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabulary);
        if (parameters.Flaw() is { } flaw)
        {
            throw new ArgumentException(flaw.Message, nameof(parameters));
        }

        _parameters = parameters;
        _key = key;
        _scores = new double[vocabulary];
        _filter = new CandidateFilter(parameters, vocabulary);
    }

    /// <summary>Picks the token at position <paramref name="t"/>.</summary>
    /// <param name="logits">One per token of the vocabulary; minus infinity bars a token.</param>
    /// <param name="choice">Index of the choice, below 256.</param>
    /// <param name="t">Position in the answer, below 2^24.</param>
    /// <param name="outputCounts">How often each token is in this choice's output so far; for the penalties.</param>
    /// <param name="bias">Added to logits first.</param>
    /// <exception cref="SamplingException">A NaN or plus infinity, or every token is barred.</exception>
    public int Next(
        ReadOnlySpan<float> logits,
        int choice,
        int t,
        IReadOnlyDictionary<int, int>? outputCounts = null,
        IReadOnlyDictionary<int, double>? bias = null)
    {
        if (logits.Length != _scores.Length)
        {
            throw new ArgumentException($"Expected {_scores.Length} logits, not {logits.Length}.", nameof(logits));
        }

        var noise = new Gumbel(_key, choice, t);
        var isPenalised = outputCounts is { Count: > 0 }
            && (_parameters.FrequencyPenalty != 0 || _parameters.PresencePenalty != 0);
        var isGreedy = _parameters.Temperature < LeastTemperature;
        if (isGreedy && !isPenalised && bias is not { Count: > 0 })
        {
            return Greatest(logits);
        }

        for (var v = 0; v < logits.Length; v++)
        {
            _scores[v] = logits[v];
        }

        Shift(bias, isPenalised ? outputCounts : null);
        var greatest = Greatest(_scores);
        if (isGreedy)
        {
            return greatest;
        }

        Divide(_parameters.Temperature);
        return _filter.IsOff
            ? PickAny(noise, greatest)
            : Pick(noise, _filter.Survivors(_scores, greatest));
    }

    // The interfaces' own enumerators are objects; the usual Dictionary is walked by its struct.
    private void Shift(IReadOnlyDictionary<int, double>? bias, IReadOnlyDictionary<int, int>? counts)
    {
        if (bias is Dictionary<int, double> plainBias)
        {
            foreach (var (id, shift) in plainBias)
            {
                Favour(id, shift);
            }
        }
        else if (bias is not null)
        {
            foreach (var (id, shift) in bias)
            {
                Favour(id, shift);
            }
        }

        if (counts is Dictionary<int, int> plainCounts)
        {
            foreach (var (id, count) in plainCounts)
            {
                Penalise(id, count);
            }
        }
        else if (counts is not null)
        {
            foreach (var (id, count) in counts)
            {
                Penalise(id, count);
            }
        }
    }

    private void Favour(int id, double shift)
    {
        // An app may name any id; those that the model does not have change nothing.
        if (id >= 0 && id < _scores.Length)
        {
            _scores[id] += shift;
        }
    }

    private void Penalise(int id, int count)
    {
        if (count > 0 && id >= 0 && id < _scores.Length)
        {
            _scores[id] = (_scores[id] - (_parameters.FrequencyPenalty * count)) - _parameters.PresencePenalty;
        }
    }

    private void Divide(double temperature)
    {
        if (temperature == 1)
        {
            return;
        }

        for (var v = 0; v < _scores.Length; v++)
        {
            _scores[v] /= temperature;
        }
    }

    private static int Greatest(ReadOnlySpan<float> logits)
    {
        var best = float.NegativeInfinity;
        var id = -1;
        for (var v = 0; v < logits.Length; v++)
        {
            var logit = logits[v];
            if (logit > best)
            {
                best = logit;
                id = v;
            }
            else if (float.IsNaN(logit))
            {
                throw NotANumber(v);
            }
        }

        return Checked(id, best);
    }

    private static int Greatest(ReadOnlySpan<double> scores)
    {
        var best = double.NegativeInfinity;
        var id = -1;
        for (var v = 0; v < scores.Length; v++)
        {
            var score = scores[v];
            if (score > best)
            {
                best = score;
                id = v;
            }
            else if (double.IsNaN(score))
            {
                throw NotANumber(v);
            }
        }

        return Checked(id, best);
    }

    private static int Checked(int id, double best)
    {
        if (id < 0)
        {
            throw new SamplingException("Every token is barred: all logits are minus infinity.");
        }

        return double.IsPositiveInfinity(best)
            ? throw new SamplingException($"The logit of token {id} is plus infinity.")
            : id;
    }

    private static SamplingException NotANumber(int id) => new($"The logit of token {id} is not a number.");

    private int PickAny(Gumbel noise, int start)
    {
        // Starting with the most likely token lets the bounds below pass over almost all others.
        var best = _scores[start] + noise[start];
        var id = start;
        for (var v = 0; v < _scores.Length; v++)
        {
            Improve(noise, v, _scores[v], ref best, ref id);
        }

        return id;
    }

    private static int Pick(Gumbel noise, ReadOnlySpan<Candidate> survivors)
    {
        var id = survivors[0].Id;
        var best = survivors[0].Score + noise[id];
        for (var i = 1; i < survivors.Length; i++)
        {
            Improve(noise, survivors[i].Id, survivors[i].Score, ref best, ref id);
        }

        return id;
    }

    private static void Improve(Gumbel noise, int v, double score, ref double best, ref int id)
    {
        // Rounding is monotonic: if score plus a bound is below the best, so is score plus the noise itself.
        if (score + Gumbel.Greatest < best)
        {
            return;
        }

        var bits = noise.Bits(v);
        if (score + Gumbel.Bound(bits) < best)
        {
            return;
        }

        var total = score + Gumbel.Noise(bits);
        if (total > best || (total == best && v < id))
        {
            best = total;
            id = v;
        }
    }
}
