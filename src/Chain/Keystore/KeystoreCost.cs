namespace Souk.Chain.Keystore;

/// <summary>How much work guessing a password takes: scrypt's parameters (RFC 7914).</summary>
/// <param name="N">Cost; a power of two. Memory is 128 x N x R bytes.</param>
/// <param name="R">Block size.</param>
/// <param name="P">Parallelisation.</param>
public sealed record KeystoreCost(int N, int R, int P)
{
    /// <summary>256 MiB and about a second: for keys that hold money. The values Geth uses.</summary>
    public static KeystoreCost Standard { get; } = new(1 << 18, 8, 1);

    /// <summary>4 MiB and a few dozen milliseconds: for hot keys whose password lies on the same machine anyway.
    /// </summary>
    public static KeystoreCost Light { get; } = new(1 << 12, 8, 6);
}
