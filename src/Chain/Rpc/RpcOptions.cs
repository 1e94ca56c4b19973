namespace Souk.Chain.Rpc;

/// <summary>How patient to be with nodes.</summary>
public sealed record RpcOptions
{
    /// <summary>Longest wait for one HTTP exchange. Default 15 s; longer hides dead nodes, shorter drops slow ones.
    /// </summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Largest reply in bytes. Default 16 MiB; a larger one counts as the node's failure.</summary>
    public int MaxReplyBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Most calls in one HTTP request. Default 100, which hosted nodes accept.</summary>
    public int MaxBatch { get; init; } = 100;

    /// <summary>How often all nodes are tried before giving up. Default 3.</summary>
    public int Rounds { get; init; } = 3;

    /// <summary>Pause after the first fruitless round; doubles each time. Default 300 ms.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>How long a node that failed is asked only after the others. Default 30 s.</summary>
    public TimeSpan Bench { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Age of a head, by its own timestamp, from which the other nodes are asked whether they know a newer
    /// one. Default 60 s; the network file's maxHeadAge is a good value.</summary>
    public TimeSpan StaleHead { get; init; } = TimeSpan.FromSeconds(60);
}
