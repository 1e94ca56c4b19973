namespace Souk.Protocol;

/// <summary>
/// ECDSA over secp256k1 (SEC 2, section 2.4.1). The system's libsecp256k1 does the work where it is installed,
/// otherwise BouncyCastle; both give the same bytes.
/// </summary>
public static class Secp256k1
{
    // n and n/2, big-endian.
    private static ReadOnlySpan<byte> Order =>
    [
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE,
        0xBA, 0xAE, 0xDC, 0xE6, 0xAF, 0x48, 0xA0, 0x3B, 0xBF, 0xD2, 0x5E, 0x8C, 0xD0, 0x36, 0x41, 0x41,
    ];

    private static ReadOnlySpan<byte> HalfOrder =>
    [
        0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0x5D, 0x57, 0x6E, 0x73, 0x57, 0xA4, 0x50, 0x1D, 0xDF, 0xE9, 0x2F, 0x46, 0x68, 0x1B, 0x20, 0xA0,
    ];

    internal static ISecp256k1 Managed { get; } = new ManagedSecp256k1();

    internal static ISecp256k1? Native { get; } = NativeSecp256k1.TryLoad();

    internal static ISecp256k1 Default => Native ?? Managed;

    /// <summary>True when the system's libsecp256k1 is in use.</summary>
    public static bool IsNative => Native is not null;

    /// <summary>
    /// The account that made the signature; null when it is no signature: r or s out of range, no such point, or a
    /// high s, which contracts refuse as malleable (EIP-2).
    /// </summary>
    public static Address? Recover(Bytes32 digest, Signature signature) => Recover(digest, signature, Default);

    /// <summary>As the other, by that library.</summary>
    internal static Address? Recover(Bytes32 digest, Signature signature, ISecp256k1 library)
    {
        Span<byte> publicKey = stackalloc byte[64];
        return IsCanonical(signature) && library.TryRecover(digest, signature, publicKey)
            ? Address.FromPublicKey(publicKey)
            : null;
    }

    /// <summary>True when <paramref name="signer"/> made the signature over the digest.</summary>
    public static bool Verify(Bytes32 digest, Signature signature, Address signer) =>
        !signer.IsZero && Recover(digest, signature) == signer;

    /// <summary>True for 32 bytes from 1 to n - 1.</summary>
    internal static bool IsScalar(ReadOnlySpan<byte> bytes) =>
        bytes.ContainsAnyExcept((byte)0) && bytes.SequenceCompareTo(Order) < 0;

    /// <summary>Brings 32 bytes below n. One subtraction is enough, since n is above half of 2^256.</summary>
    internal static void Reduce(Span<byte> bytes)
    {
        if (bytes.SequenceCompareTo(Order) < 0)
        {
            return;
        }

        var borrow = 0;
        for (var i = 31; i >= 0; i--)
        {
            var difference = bytes[i] - Order[i] - borrow;
            borrow = difference < 0 ? 1 : 0;
            bytes[i] = (byte)(difference & 0xFF);
        }
    }

    private static bool IsCanonical(Signature signature)
    {
        Span<byte> bytes = stackalloc byte[Signature.Size];
        signature.CopyTo(bytes);
        return signature.V is 27 or 28 && IsScalar(bytes[..32]) && IsScalar(bytes[32..64])
            && bytes[32..64].SequenceCompareTo(HalfOrder) <= 0;
    }
}
