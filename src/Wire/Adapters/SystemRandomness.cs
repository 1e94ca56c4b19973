#pragma warning disable RS0030 // The one place where the operating system's randomness enters; roles take Randomness.
using System.Security.Cryptography;
using Souk.Protocol;

namespace Souk.Wire.Adapters;

/// <summary>Randomness from the operating system, fit for keys.</summary>
public sealed class SystemRandomness : Randomness
{
    /// <inheritdoc/>
    public override void Fill(Span<byte> destination) => RandomNumberGenerator.Fill(destination);
}
