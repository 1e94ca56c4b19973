using System.Numerics;
using System.Runtime.Intrinsics;

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
    private readonly int _vocabulary;
    private readonly double[] _scores;
    private readonly CandidateFilter _filter;

    /// <summary>Prepares one answer with buffers of its own.</summary>
    /// <param name="parameters">In range; see <see cref="SamplingParameters.Flaw"/>.</param>
    /// <param name="key">The answer's key.</param>
    /// <param name="vocabulary">How many logits a step has.</param>
    public Sampler(SamplingParameters parameters, SamplingKey key, int vocabulary)
        : this(parameters, key, new SamplingBuffers(vocabulary))
    {
    }

    /// <summary>Prepares one answer.</summary>
    /// <param name="parameters">In range; see <see cref="SamplingParameters.Flaw"/>.</param>
    /// <param name="key">The answer's key.</param>
    /// <param name="buffers">Not used by another thread while a token is picked.</param>
    public Sampler(SamplingParameters parameters, SamplingKey key, SamplingBuffers buffers)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(buffers);
        if (parameters.Flaw() is { } flaw)
        {
            throw new ArgumentException(flaw.Message, nameof(parameters));
        }

        _parameters = parameters;
        _key = key;
        _vocabulary = buffers.Vocabulary;
        _scores = buffers.Scores;
        _filter = new CandidateFilter(parameters, buffers);
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
        if (logits.Length != _vocabulary)
        {
            throw new ArgumentException($"Expected {_vocabulary} logits, not {logits.Length}.", nameof(logits));
        }

        var noise = new Gumbel(_key, choice, t);
        var isPenalised = outputCounts is { Count: > 0 }
            && (_parameters.FrequencyPenalty != 0 || _parameters.PresencePenalty != 0);
        var isGreedy = _parameters.Temperature < LeastTemperature;
        if (isGreedy && !isPenalised && bias is not { Count: > 0 })
        {
            return Checked(logits, Lanes.Greatest(logits));
        }

        Lanes.Widen(logits, _scores);
        Shift(bias, isPenalised ? outputCounts : null);
        var greatest = Checked<double>(_scores, Lanes.Greatest<double>(_scores));
        if (isGreedy)
        {
            return greatest;
        }

        if (_parameters.Temperature != 1)
        {
            Lanes.Divide(_scores, _parameters.Temperature);
        }

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
        if (id >= 0 && id < _vocabulary)
        {
            _scores[id] += shift;
        }
    }

    private void Penalise(int id, int count)
    {
        if (count > 0 && id >= 0 && id < _vocabulary)
        {
            _scores[id] = (_scores[id] - (_parameters.FrequencyPenalty * count)) - _parameters.PresencePenalty;
        }
    }

    private static int Checked<T>(ReadOnlySpan<T> values, int greatest)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (greatest < 0)
        {
            throw new SamplingException("Every token is barred: all logits are minus infinity.");
        }

        return T.IsFinite(values[greatest]) ? greatest : throw new SamplingException(T.IsNaN(values[greatest])
            ? $"The logit of token {greatest} is not a number."
            : $"The logit of token {greatest} is plus infinity.");
    }

    private int PickAny(Gumbel noise, int start)
    {
        // Starting with the most likely token lets the bounds pass over almost all others.
        var best = _scores[start] + noise[start];
        var id = start;
        var rows = Lanes.Rows(_scores);
        for (var i = 0; i < rows.Length; i++)
        {
            for (var left = noise.Reaching(Lanes.Ids(i), rows[i], best); left != 0; left &= left - 1)
            {
                var v = Lanes.Index(i, left);
                Improve(noise, v, _scores[v], ref best, ref id);
            }
        }

        return id;
    }

    private static int Pick(Gumbel noise, ReadOnlySpan<Candidate> survivors)
    {
        var id = survivors[0].Id;
        var best = survivors[0].Score + noise[id];
        Span<double> scores = stackalloc double[Lanes.Width];
        Span<ulong> ids = stackalloc ulong[Lanes.Width];
        for (var rest = survivors[1..]; rest.Length > 0; rest = rest[Math.Min(Lanes.Width, rest.Length)..])
        {
            for (var lane = 0; lane < Lanes.Width; lane++)
            {
                (scores[lane], ids[lane]) = lane < rest.Length
                    ? (rest[lane].Score, (ulong)rest[lane].Id) : (double.NegativeInfinity, 0);
            }

            var left = noise.Reaching(Vector512.Create<ulong>(ids), Vector512.Create<double>(scores), best);
            for (; left != 0; left &= left - 1)
            {
                var next = rest[Lanes.Index(0, left)];
                Improve(noise, next.Id, next.Score, ref best, ref id);
            }
        }

        return id;
    }

    private static void Improve(Gumbel noise, int v, double score, ref double best, ref int id)
    {
        var total = score + noise[v];
        if (total > best || (total == best && v < id))
        {
            best = total;
            id = v;
        }
    }
}
