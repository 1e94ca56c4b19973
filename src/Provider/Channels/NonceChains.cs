using Souk.Protocol;

namespace Souk.Provider.Channels;

/// <summary>
/// The nonce chain behind each acceptance. Its secret follows from the provider's own, the channel and the index at
/// which the chain starts, so nothing secret is stored, and after a restart the same acceptance opens the same nonces.
/// </summary>
/// <param name="root">The provider's secret. It outlives changes of the node key, or every channel accepted before one
/// would open nonces that do not lead to its anchor.</param>
internal sealed class NonceChains(Bytes32 root)
{
    private const int MostCached = 4096;
    private const int KeySize = 32;
    private readonly Dictionary<(Bytes32 Channel, ulong Start), NonceChain> _chains = [];

    /// <summary>The chain of the acceptance that starts after request <paramref name="start"/>.</summary>
    public NonceChain Of(Bytes32 channel, ulong start)
    {
        lock (_chains)
        {
            if (_chains.TryGetValue((channel, start), out var known))
            {
                return known;
            }

            if (_chains.Count >= MostCached)
            {
                _chains.Clear();
            }

            return _chains[(channel, start)] = new NonceChain(Secret(channel, start));
        }
    }

    /// <summary>A root that follows from the authorizer's key, which is kept until its last channel is
    /// drained.</summary>
    public static Bytes32 RootOf(PrivateKey authorizer)
    {
        ReadOnlySpan<byte> domain = "souk-nonce-root-1"u8;
        Span<byte> message = stackalloc byte[domain.Length + KeySize];
        domain.CopyTo(message);
        authorizer.CopyTo(message[domain.Length..]);
        var root = Sha.Hash(message);
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(message);
        return root;
    }

    private Bytes32 Secret(Bytes32 channel, ulong start)
    {
        ReadOnlySpan<byte> domain = "souk-nonce-secret-1"u8;
        Span<byte> message = stackalloc byte[domain.Length + Bytes32.Size + Bytes32.Size + 8];
        domain.CopyTo(message);
        root.CopyTo(message[domain.Length..]);
        channel.CopyTo(message[(domain.Length + Bytes32.Size)..]);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(message[^8..], start);
        var secret = Sha.Hash(message);
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(message);
        return secret;
    }
}
