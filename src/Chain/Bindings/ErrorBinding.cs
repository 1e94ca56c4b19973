using System.Globalization;
using System.Numerics;
using System.Text;
using Souk.Chain.Codec;
using Souk.Protocol;

namespace Souk.Chain.Bindings;

/// <summary>A custom error of a contract: how it is called and how its values are read.</summary>
/// <param name="Name">Solidity's name.</param>
/// <param name="Signature">Name and parameter types; its hash starts the revert data.</param>
/// <param name="Read">Reads the values as name and text.</param>
public sealed record ErrorBinding(
    string Name, string Signature, Func<AbiReader, IReadOnlyList<(string Name, string Value)>> Read)
{
    /// <summary>First four bytes of the signature's Keccak-256.</summary>
    public static byte[] Selector(string signature) => Topic(signature).ToBytes()[..4];

    /// <summary>Keccak-256 of a signature: the first topic of an event.</summary>
    public static Bytes32 Topic(string signature) => Keccak256.Hash(Encoding.ASCII.GetBytes(signature));

    internal static string Show(Address value) => value.ToString();

    internal static string Show(Bytes32 value) => value.ToString();

    internal static string Show(bool value) => value ? "true" : "false";

    internal static string Show(ulong value) => value.ToString(CultureInfo.InvariantCulture);

    internal static string Show(UInt128 value) => value.ToString(CultureInfo.InvariantCulture);

    internal static string Show(BigInteger value) => value.ToString(CultureInfo.InvariantCulture);

    internal static string Show(string value) => $"\"{value}\"";

    internal static string Show(ReadOnlyMemory<byte> value) => "0x" + Convert.ToHexStringLower(value.Span);
}
