using System.Security.Cryptography;

namespace Souk.Protocol;

/// <summary>
/// A secp256k1 private key. Signs by RFC 6979 with SHA-256 and low s, so the same digest gives the same 65 bytes from
/// every library. It never shows itself in text; <see cref="Dispose"/> wipes it.
/// </summary>
public sealed class PrivateKey : IDisposable
{
    private readonly byte[] _secret;
    private readonly ISecp256k1 _library;
    private bool _isDisposed;

    private PrivateKey(byte[] secret, byte[] publicKey, ISecp256k1 library)
    {
        _secret = secret;
        _library = library;
        PublicKey = publicKey;
        Address = Address.FromPublicKey(publicKey);
    }

    /// <summary>The account that signatures recover to.</summary>
    public Address Address { get; }

    /// <summary>64 bytes: x and y of the public key, big-endian.</summary>
    public ReadOnlyMemory<byte> PublicKey { get; }

    /// <summary>Takes 32 bytes, a number from 1 to n - 1.</summary>
    /// <exception cref="ArgumentException">Another length, zero, or not below the group order n.</exception>
    public static PrivateKey FromBytes(ReadOnlySpan<byte> bytes) => FromBytes(bytes, Secp256k1.Default);

    /// <summary>As the other, with signatures made by that library.</summary>
    internal static PrivateKey FromBytes(ReadOnlySpan<byte> bytes, ISecp256k1 library)
    {
        if (bytes.Length != 32 || !Secp256k1.IsScalar(bytes))
        {
            throw new ArgumentException("A private key is 32 bytes, from 1 to the group order less 1.", nameof(bytes));
        }

        // Pinned, so that the collector leaves no copies behind and wiping reaches the only one.
        var secret = GC.AllocateUninitializedArray<byte>(32, pinned: true);
        bytes.CopyTo(secret);
        return new PrivateKey(secret, library.PublicKey(secret), library);
    }

    /// <summary>A fresh key.</summary>
    public static PrivateKey Create(Randomness randomness)
    {
        ArgumentNullException.ThrowIfNull(randomness);
        Span<byte> bytes = stackalloc byte[32];
        do
        {
            randomness.Fill(bytes);
        }
        while (!Secp256k1.IsScalar(bytes));
        var key = FromBytes(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return key;
    }

    /// <summary>Signs a 32-byte digest.</summary>
    public Signature Sign(Bytes32 digest)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return _library.Sign(digest, _secret);
    }

    /// <summary>Writes the 32 secret bytes, for a keystore to encrypt. The caller wipes them.</summary>
    public void CopyTo(Span<byte> destination)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        _secret.CopyTo(destination);
    }

    /// <summary>The address; never the key.</summary>
    public override string ToString() => $"PrivateKey of {Address}";

    /// <inheritdoc/>
    public void Dispose()
    {
        _isDisposed = true;
        CryptographicOperations.ZeroMemory(_secret);
    }
}
