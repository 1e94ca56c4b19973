using System.Net;
using System.Net.Sockets;

namespace Souk.Wire.Http;

/// <summary>
/// Counts what each peer holds open. An IPv6 peer is its /64, since one host usually owns that many addresses.
/// </summary>
internal sealed class PeerGate(WireLimits limits)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Held> _peers = [];
    private int _requests;
    private long _bufferedBytes;

    /// <summary>Takes a request's place, or says with which status to refuse it.</summary>
    public int Enter(string peer)
    {
        lock (_lock)
        {
            if (_requests >= limits.MaxRequests)
            {
                return 503;
            }

            if (!_peers.TryGetValue(peer, out var held))
            {
                _peers[peer] = held = new();
            }

            if (held.Requests >= limits.MaxRequestsPerPeer)
            {
                return 429;
            }

            held.Requests++;
            _requests++;
            return 200;
        }
    }

    /// <summary>Takes a stream's place, on top of the request's.</summary>
    public bool TryOpenStream(string peer)
    {
        lock (_lock)
        {
            var held = _peers[peer];
            if (held.Streams >= limits.MaxStreamsPerPeer)
            {
                return false;
            }

            held.Streams++;
            return true;
        }
    }

    /// <summary>Takes room for more bytes of a body.</summary>
    public bool TryBuffer(long bytes)
    {
        lock (_lock)
        {
            if (_bufferedBytes + bytes > limits.MaxBufferedBytes)
            {
                return false;
            }

            _bufferedBytes += bytes;
            return true;
        }
    }

    /// <summary>Gives both places and the room for the body back.</summary>
    public void Leave(string peer, bool hadStream, long bufferedBytes)
    {
        lock (_lock)
        {
            _bufferedBytes -= bufferedBytes;
            var held = _peers[peer];
            held.Streams -= hadStream ? 1 : 0;
            _requests--;
            if (--held.Requests == 0)
            {
                _peers.Remove(peer);
            }
        }
    }

    /// <summary>The name under which an address is counted.</summary>
    public static string KeyOf(IPAddress? address)
    {
        if (address is null)
        {
            return "local";
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address.ToString();
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4().ToString();
        }

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        return Convert.ToHexString(bytes[..8]);
    }

    private sealed class Held
    {
        public int Requests { get; set; }

        public int Streams { get; set; }
    }
}
