namespace Souk.Chain.Transactions;

/// <summary>How transactions are paid for and how long they may take.</summary>
public sealed record SenderOptions
{
    /// <summary>Pause between looks for a receipt. Default 1 s; half the block time is a good value.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Blocks without a receipt after which the fees are raised. Default 3.</summary>
    public int ReplaceAfterBlocks { get; init; } = 3;

    /// <summary>Gas on top of the estimate, in percent, because state moves between estimate and block. Default 25.
    /// </summary>
    public int GasMarginPercent { get; init; } = 25;

    /// <summary>Most wei per unit of gas ever offered. Default 500 gwei; above it transactions wait or are refused.
    /// </summary>
    public UInt128 GreatestFee { get; init; } = 500_000_000_000;

    /// <summary>Least tip in wei per unit of gas. Default 0.001 gwei: a few chains drop transactions without any.
    /// </summary>
    public UInt128 LeastTip { get; init; } = 1_000_000;

    /// <summary>How long one transaction may take in all. Default 10 min; then it is given up as not mined, though it
    /// may still be.</summary>
    public TimeSpan GiveUpAfter { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How often a transaction is sent anew because another took its nonce. Default 5.</summary>
    public int MostResyncs { get; init; } = 5;
}
