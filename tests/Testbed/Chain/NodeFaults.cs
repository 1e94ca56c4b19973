namespace Souk.Testbed.Chain;

/// <summary>What goes wrong between a role and its node of the chain; all zero by default.</summary>
public sealed record NodeFaults
{
    /// <summary>The greatest time that a question takes.</summary>
    public TimeSpan MostDelay { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Probability that a question is not answered.</summary>
    public double Error { get; init; }

    /// <summary>Probability that a question is answered as of an older block.</summary>
    public double Stale { get; init; }

    /// <summary>The most blocks that such an answer is behind.</summary>
    public int MostBehind { get; init; } = 5;

    /// <summary>Probability that a transaction is mined some blocks later than it could be.</summary>
    public double Stuck { get; init; }

    /// <summary>The most blocks that it is late.</summary>
    public int MostLate { get; init; } = 40;

    /// <summary>Probability that a transaction is sent and its sender never hears of it: it is given up, and mined
    /// or not.</summary>
    public double Lost { get; init; }
}
