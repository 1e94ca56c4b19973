using Souk.Protocol;

namespace Souk.Provider.Channels;

/// <summary>
/// The nonce chain behind each acceptance. Secrets follow from the node key, the channel and the index at which the chain
/// starts, so nothing secret is stored, and after a restart the same acceptance opens the same nonces.
/// </summary>
internal sealed class NonceChains(PrivateKey nodeKey)
{
    private const int MostCached = 4096;
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

    private Bytes32 Secret(Bytes32 channel, ulong start)
    {
        ReadOnlySpan<byte> domain = "souk-nonce-secret-1"u8;
        Span<byte> message = stackalloc byte[domain.Length + 32 + Bytes32.Size + 8];
        domain.CopyTo(message);
        nodeKey.CopyTo(message[domain.Length..]);
        channel.CopyTo(message[(domain.Length + 32)..]);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(message[^8..], start);
        var secret = Sha.Hash(message);
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(message);
        return secret;
    }
}
