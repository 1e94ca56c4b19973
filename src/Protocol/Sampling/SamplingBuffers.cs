namespace Souk.Protocol;

/// <summary>What picking a token works in: as large as the vocabulary, without meaning from one token to the next. So
/// samplers that are used by one thread can share one, which then stays in the processor's cache.</summary>
public sealed class SamplingBuffers
{
    /// <param name="vocabulary">How many logits a step has.</param>
    public SamplingBuffers(int vocabulary)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabulary);
        Vocabulary = vocabulary;
        Scores = new double[Lanes.Padded(vocabulary)];
        Weights = new double[Lanes.Padded(vocabulary)];
        Candidates = new Candidate[vocabulary];
    }

    /// <summary>How many logits a step has.</summary>
    public int Vocabulary { get; }

    internal double[] Scores { get; }

    internal double[] Weights { get; }

    internal Candidate[] Candidates { get; }
}
