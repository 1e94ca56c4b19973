namespace Souk.Protocol;

/// <summary>One library's ECDSA over secp256k1.</summary>
internal interface ISecp256k1
{
    /// <summary>64 bytes x and y of the key, which is a valid scalar.</summary>
    byte[] PublicKey(ReadOnlySpan<byte> secret);

    /// <summary>RFC 6979 with SHA-256, low s.</summary>
    Signature Sign(Bytes32 digest, ReadOnlySpan<byte> secret);

    /// <summary>Writes x and y of the signer; false when there is none. r and s are valid scalars.</summary>
    bool TryRecover(Bytes32 digest, Signature signature, Span<byte> publicKey);
}
