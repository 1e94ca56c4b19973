namespace Souk.Protocol;

/// <summary>
/// A provider's nonces for one channel: anchor = H^length(secret), nonce i = H^(length - i)(secret), i = 1, 2, ...
/// Each opened nonce proves itself by hashing back to the one before, so they were all fixed with the anchor.
/// </summary>
public sealed class NonceChain
{
    /// <summary>The length that protocol version 1 fixes.</summary>
    public const int DefaultLength = 4096;

    // A checkpoint every 64 steps: 2 KiB a channel, and at most 63 hashes for any nonce.
    private const int Stride = 64;

    private readonly Bytes32[] _checkpoints;

    /// <summary>Computes the chain once.</summary>
    /// <param name="secret">32 unpredictable bytes, kept as safe as a key.</param>
    /// <param name="length">How many nonces there are.</param>
    public NonceChain(Bytes32 secret, int length = DefaultLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        Length = length;
        _checkpoints = new Bytes32[(length / Stride) + 1];
        _checkpoints[0] = secret;
        for (var i = 1; i < _checkpoints.Length; i++)
        {
            _checkpoints[i] = Sha.Iterate(_checkpoints[i - 1], Stride);
        }

        Anchor = Value(length);
    }

    /// <summary>How many nonces there are.</summary>
    public int Length { get; }

    /// <summary>What the Acceptance fixes; nonce 0.</summary>
    public Bytes32 Anchor { get; }

    /// <summary>Nonce <paramref name="i"/>, counted from the chain's own start.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not 1 to <see cref="Length"/>: the chain is spent.</exception>
    public Bytes32 Nonce(ulong i)
    {
        ArgumentOutOfRangeException.ThrowIfZero(i);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(i, (ulong)Length);
        return Value(Length - (int)i);
    }

    /// <summary>
    /// True when <paramref name="nonce"/> is number <paramref name="i"/> of the chain that holds the known one.
    /// </summary>
    /// <param name="nonce">The nonce just opened.</param>
    /// <param name="i">Its number, above <paramref name="knownIndex"/>.</param>
    /// <param name="known">The last nonce opened before, or the anchor.</param>
    /// <param name="knownIndex">Its number; 0 for the anchor.</param>
    public static bool Verify(Bytes32 nonce, ulong i, Bytes32 known, ulong knownIndex) =>
        i > knownIndex && i - knownIndex <= DefaultLength && Sha.Iterate(nonce, (int)(i - knownIndex)) == known;

    private Bytes32 Value(int exponent) => Sha.Iterate(_checkpoints[exponent / Stride], exponent % Stride);
}
