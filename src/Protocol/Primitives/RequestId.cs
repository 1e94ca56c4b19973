using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Souk.Protocol;

/// <summary>
/// 128 random bits made by the gateway that name one paid request. Knowing the id is the right to raise, read and
/// cancel that request, so it is treated as a secret between the two sides.
/// </summary>
[JsonConverter(typeof(RequestIdConverter))]
public readonly record struct RequestId
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 16;

    private readonly UInt128 _value;

    private RequestId(ReadOnlySpan<byte> bytes) =>
        _value = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);

    /// <summary>Takes exactly 16 bytes.</summary>
    /// <exception cref="ArgumentException">Another length.</exception>
    public static RequestId FromBytes(ReadOnlySpan<byte> bytes) => bytes.Length == Size
        ? new RequestId(bytes)
        : throw new ArgumentException($"Expected 16 bytes, not {bytes.Length}.", nameof(bytes));

    /// <summary>Parses 32 hex digits.</summary>
    /// <exception cref="FormatException">Anything else.</exception>
    public static RequestId Parse(string text) =>
        TryParse(text, out var value) ? value : throw new FormatException("Expected a request id: 32 hex digits.");

    /// <summary>Parses exactly 32 hex digits, without 0x.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out RequestId value)
    {
        Span<byte> bytes = stackalloc byte[Size];
        var isParsed = text is { Length: 32 } && Hex.TryDecode(text, bytes);
        value = isParsed ? new RequestId(bytes) : default;
        return isParsed;
    }

    /// <summary>Writes the 16 bytes to the start of <paramref name="destination"/>.</summary>
    public void CopyTo(Span<byte> destination) =>
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(destination, _value);

    /// <summary>A new array with the 16 bytes.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[Size];
        CopyTo(bytes);
        return bytes;
    }

    /// <summary>32 lower-case hex digits, without 0x.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
