namespace Souk.Protocol;

/// <summary>Hexadecimal text of fixed-size byte strings.</summary>
internal static class Hex
{
    /// <summary>Decodes exactly <paramref name="destination"/>.Length bytes, with or without 0x.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, Span<byte> destination)
    {
        text = WithoutPrefix(text);
        return text.Length == destination.Length * 2
            && Convert.FromHexString(text, destination, out _, out _) == System.Buffers.OperationStatus.Done;
    }

    public static ReadOnlySpan<char> WithoutPrefix(ReadOnlySpan<char> text) =>
        text.StartsWith("0x", StringComparison.Ordinal) || text.StartsWith("0X", StringComparison.Ordinal)
            ? text[2..]
            : text;

    public static string Encode(ReadOnlySpan<byte> bytes) => string.Concat("0x", Convert.ToHexStringLower(bytes));
}
