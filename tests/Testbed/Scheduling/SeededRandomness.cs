using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Souk.Protocol;

namespace Souk.Testbed;

/// <summary>
/// Repeatable randomness: SHA-256 of key and counter. Each part of a simulation forks its own stream by a label, so
/// that one part drawing more does not shift what the others see.
/// </summary>
public sealed class SeededRandomness : Randomness
{
    private readonly byte[] _block = new byte[40];
    private readonly byte[] _output = new byte[32];
    private ulong _counter;
    private int _used = 32;

    public SeededRandomness(ulong seed)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, seed);
        SHA256.HashData(bytes, _block);
    }

    private SeededRandomness(ReadOnlySpan<byte> key, string label)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(key);
        hash.AppendData(Encoding.UTF8.GetBytes(label));
        hash.GetCurrentHash(_block);
    }

    /// <summary>A stream of its own, fixed by this one's seed and the label.</summary>
    public SeededRandomness Fork(string label) => new(_block.AsSpan(0, 32), label);

    /// <inheritdoc/>
    public override void Fill(Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            if (_used == _output.Length)
            {
                BinaryPrimitives.WriteUInt64BigEndian(_block.AsSpan(32), _counter++);
                SHA256.HashData(_block, _output);
                _used = 0;
            }

            var take = Math.Min(destination.Length, _output.Length - _used);
            _output.AsSpan(_used, take).CopyTo(destination);
            _used += take;
            destination = destination[take..];
        }
    }

    /// <summary>
    /// Whether something of this probability happens now. Draws even for 0 and 1, so that streams stay aligned.
    /// </summary>
    public bool Happens(double probability) => NextDouble() < probability;

    /// <summary>A time between two bounds, the upper one excluded unless they are equal.</summary>
    public TimeSpan Between(TimeSpan least, TimeSpan most) =>
        least + TimeSpan.FromTicks((long)(NextDouble() * (most - least).Ticks));
}
