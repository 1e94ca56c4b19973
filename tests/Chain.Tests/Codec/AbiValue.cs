using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Souk.Chain.Codec;
using Souk.Protocol;

namespace Souk.Chain.Tests.Codec;

/// <summary>Drives the codec by type names, as vectors name them, where the bindings are generated for each type.
/// </summary>
internal sealed record AbiValue(string Type, JsonElement Json)
{
    /// <summary>Types of a tuple or a list of parameters: commas outside of parentheses separate them.</summary>
    public static List<string> Split(string types)
    {
        var parts = new List<string>();
        int depth = 0, start = 0;
        for (var i = 0; i < types.Length; i++)
        {
            depth += types[i] switch { '(' => 1, ')' => -1, _ => 0 };
            if (types[i] == ',' && depth == 0)
            {
                parts.Add(types[start..i]);
                start = i + 1;
            }
        }

        return types.Length == 0 ? [] : [.. parts, types[start..]];
    }

    public static AbiPart Encode(string type, JsonElement json)
    {
        var value = json.ValueKind == JsonValueKind.Array ? json : json.GetProperty("value");
        if (Element(type) is var (element, count))
        {
            var items = value.EnumerateArray().ToList();
            return count is null
                ? AbiPart.Array(items, item => Encode(element, item))
                : AbiPart.FixedArray(items, count.Value, item => Encode(element, item));
        }

        if (Members(type) is { } members)
        {
            return AbiPart.Tuple([.. value.EnumerateArray().Select((item, i) => Encode(members[i], item))]);
        }

        var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
        return type switch
        {
            "address" => AbiPart.Of(Address.Parse(text.ToLowerInvariant())),
            "bool" => AbiPart.Of(text == "true"),
            "string" => AbiPart.Of(text),
            "bytes" => AbiPart.Of(VectorFiles.Hex(text).AsSpan()),
            "bytes32" => AbiPart.Of(Bytes32.Parse(text)),
            _ when type.StartsWith("bytes", StringComparison.Ordinal) =>
                AbiPart.Fixed(VectorFiles.Hex(text), Width(type, 5, 0)),
            _ when type.StartsWith("uint", StringComparison.Ordinal) =>
                AbiPart.NonNegative(Wrapped(Number(text), Width(type, 4, 256)), Width(type, 4, 256)),
            _ => AbiPart.TwosComplement(Signed(Number(text), Width(type, 3, 256)), Width(type, 3, 256)),
        };
    }

    /// <summary>Reads a value and encodes it again.</summary>
    public static AbiPart Recode(string type, AbiReader reader)
    {
        if (Element(type) is var (element, count))
        {
            var words = Words(element) ?? 1;
            if (count is null)
            {
                return AbiPart.Array(reader.Array(words, r => Recode(element, r)), part => part);
            }

            var source = Words(element) is null ? reader.Tail() : reader;
            var items = source.FixedArray(count.Value, words, r => Recode(element, r));
            return AbiPart.FixedArray(items, count.Value, part => part);
        }

        if (Members(type) is { } members)
        {
            var source = Words(type) is null ? reader.Tail() : reader;
            return AbiPart.Tuple([.. members.Select(member => Recode(member, source))]);
        }

        return type switch
        {
            "address" => AbiPart.Of(reader.Address()),
            "bool" => AbiPart.Of(reader.Bool()),
            "string" => AbiPart.Of(reader.Text()),
            "bytes" => AbiPart.Of(reader.Bytes().AsSpan()),
            "bytes32" => AbiPart.Of(reader.Bytes32()),
            _ when type.StartsWith("bytes", StringComparison.Ordinal) =>
                AbiPart.Fixed(reader.Fixed(Width(type, 5, 0)), Width(type, 5, 0)),
            _ when type.StartsWith("uint", StringComparison.Ordinal) =>
                AbiPart.NonNegative(reader.NonNegative256(Width(type, 4, 256)), Width(type, 4, 256)),
            _ => AbiPart.TwosComplement(reader.TwosComplement(Width(type, 3, 256)), Width(type, 3, 256)),
        };
    }

    private static (string Type, int? Count)? Element(string type)
    {
        if (!type.EndsWith(']'))
        {
            return null;
        }

        var open = type.LastIndexOf('[');
        var count = type[(open + 1)..^1];
        return (type[..open], count.Length == 0 ? null : int.Parse(count, CultureInfo.InvariantCulture));
    }

    private static List<string>? Members(string type) =>
        type.StartsWith("tuple(", StringComparison.Ordinal) ? Split(type[6..^1]) : null;

    private static int? Words(string type)
    {
        if (Element(type) is var (element, count))
        {
            return count is null ? null : Words(element) * count;
        }

        return Members(type) is { } members
            ? members.Aggregate((int?)0, (sum, member) => sum + Words(member))
            : type is "string" or "bytes" ? null : 1;
    }

    private static int Width(string type, int prefix, int otherwise) =>
        type.Length == prefix ? otherwise : int.Parse(type.AsSpan(prefix), CultureInfo.InvariantCulture);

    // The contracts of the vectors assign constants that their types do not hold; old compilers let them wrap.
    private static BigInteger Wrapped(BigInteger value, int bits) =>
        value & ((BigInteger.One << bits) - 1);

    private static BigInteger Signed(BigInteger value, int bits)
    {
        var wrapped = Wrapped(value, bits);
        return wrapped >> (bits - 1) == 1 ? wrapped - (BigInteger.One << bits) : wrapped;
    }

    private static BigInteger Number(string text) => BigInteger.Parse(text, CultureInfo.InvariantCulture);
}
