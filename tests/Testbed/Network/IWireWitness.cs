using Souk.Wire;

namespace Souk.Testbed;

/// <summary>Sees what passes on the simulated network, as somebody would who can read all of it.</summary>
public interface IWireWitness
{
    /// <summary>A request leaves its client.</summary>
    void Sent(Uri endpoint, WireRequest request);

    /// <summary>A request reaches its handler; the same object for whoever handles it.</summary>
    void Arrived(Uri endpoint, WireRequest request);

    /// <summary>A handler sends status and headers.</summary>
    void Answered(Uri endpoint, WireRequest request, int status, WireHeaders headers);

    /// <summary>A handler sends a piece of the body.</summary>
    void Wrote(Uri endpoint, WireRequest request, ReadOnlyMemory<byte> piece);

    /// <summary>A handler threw.</summary>
    void Failed(Uri endpoint, WireRequest request, Exception failure);
}
