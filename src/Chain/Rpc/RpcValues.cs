using System.Globalization;
using System.Text.Json;
using Souk.Protocol;

namespace Souk.Chain.Rpc;

/// <summary>The values of Ethereum's JSON-RPC. Readers return null for anything malformed.</summary>
internal static class RpcValues
{
    /// <summary>A number as a node takes it: 0x and hex without leading zeros.</summary>
    public static string Quantity(UInt128 value) => "0x" + value.ToString("x", CultureInfo.InvariantCulture);

    /// <summary>Bytes as a node takes them.</summary>
    public static string Hex(ReadOnlySpan<byte> bytes) => "0x" + Convert.ToHexStringLower(bytes);

    /// <summary>A number of at most 128 bits. Leading zeros are forgiven, since some nodes write them.</summary>
    public static UInt128? Quantity(JsonElement element) =>
        RpcReplies.Text(element) is { Length: > 2 and <= 66 } text
        && text.StartsWith("0x", StringComparison.Ordinal)
        && UInt128.TryParse(
            text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            ? value
            : null;

    /// <summary>A number of at most 64 bits.</summary>
    public static ulong? Quantity64(JsonElement element) =>
        Quantity(element) is { } value && value <= ulong.MaxValue ? (ulong)value : null;

    /// <summary>32 bytes.</summary>
    public static Bytes32? Word(JsonElement element) =>
        RpcReplies.Hex(element) is { Length: 32 } bytes ? Bytes32.FromBytes(bytes) : null;

    /// <summary>20 bytes.</summary>
    public static Address? Account(JsonElement element) =>
        RpcReplies.Hex(element) is { Length: 20 } bytes ? Address.FromBytes(bytes) : null;

    /// <summary>A member of an object; an undefined element where there is none.</summary>
    public static JsonElement Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : default;
}
