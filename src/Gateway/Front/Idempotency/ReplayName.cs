using System.Security.Cryptography;
using System.Text;
using Souk.Protocol;
using Souk.Wire;

namespace Souk.Gateway.Front.Idempotency;

/// <summary>
/// A request's name as the gateway keeps it. Name, fingerprint and the seal of the reply all follow from the API key's
/// secret, of which the gateway keeps only a hash: its files alone tell neither what was asked nor what was answered.
/// </summary>
internal sealed class ReplayName
{
    private const int TagBytes = 16;
    private readonly byte[] _secret;
    private readonly string _name;

    private ReplayName(byte[] secret, string name)
    {
        (_secret, _name) = (secret, name);
        Id = Bytes32.FromBytes(Derive("souk-replay-name-1"));
    }

    /// <summary>What the name is kept as.</summary>
    public Bytes32 Id { get; }

    /// <summary>What was asked: method, path and body, under a key of the name's own.</summary>
    public Bytes32 Fingerprint { get; private init; }

    /// <summary>The name that an API key's secret and an <c>Idempotency-Key</c> make of a request.</summary>
    public static ReplayName Of(string secret, string name, WireRequest request)
    {
        var named = new ReplayName(Encoding.UTF8.GetBytes(secret), name);
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, named.Derive("souk-replay-print-1"));
        hash.AppendData(Encoding.UTF8.GetBytes($"{request.Method} {request.Path}\n"));
        hash.AppendData(request.Body.Span);
        return new ReplayName(named._secret, name) { Fingerprint = Bytes32.FromBytes(hash.GetHashAndReset()) };
    }

    /// <summary>Encrypts what is kept for a request of this name (AES-256-GCM).</summary>
    public byte[] Seal(RequestId appRequest, ReadOnlySpan<byte> plain)
    {
        var kept = new byte[plain.Length + TagBytes];
        using var cipher = Cipher(appRequest);
        cipher.Encrypt(Nonce, plain, kept.AsSpan(0, plain.Length), kept.AsSpan(plain.Length));
        return kept;
    }

    /// <summary>What was sealed for a request of this name; null where it was changed.</summary>
    public byte[]? Unseal(RequestId appRequest, ReadOnlySpan<byte> kept)
    {
        if (kept.Length < TagBytes)
        {
            return null;
        }

        var plain = new byte[kept.Length - TagBytes];
        using var cipher = Cipher(appRequest);
        try
        {
            cipher.Decrypt(Nonce, kept[..^TagBytes], kept[^TagBytes..], plain);
            return plain;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    // Each request has a key of its own, which seals once, so the nonce need not differ.
    private static ReadOnlySpan<byte> Nonce => "\0\0\0\0\0\0\0\0\0\0\0\0"u8;

    private AesGcm Cipher(RequestId appRequest) => new(Derive($"souk-replay-seal-1 {appRequest} "), TagBytes);

    // The name comes last, after texts of which none begins another, so no two inputs coincide.
    private byte[] Derive(string purpose) => HKDF.DeriveKey(
        HashAlgorithmName.SHA256, _secret, Bytes32.Size, salt: null, info: Encoding.UTF8.GetBytes(purpose + _name));
}
