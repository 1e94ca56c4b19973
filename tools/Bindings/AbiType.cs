using System.Globalization;
using System.Text.Json;

namespace Souk.Bindings;

/// <summary>A parameter: its name and type.</summary>
internal sealed record AbiParameter(string Name, AbiType Type, bool IsIndexed);

/// <summary>A type of the contract ABI and how C# says it.</summary>
internal abstract record AbiType
{
    /// <summary>The canonical name, as selectors hash it.</summary>
    public abstract string Canonical { get; }

    /// <summary>The C# type.</summary>
    public abstract string CSharp { get; }

    /// <summary>Words of a value of fixed size; null where the size depends on the value.</summary>
    public abstract int? Words { get; }

    /// <summary>An expression of type AbiPart that encodes <paramref name="value"/>.</summary>
    public abstract string Encode(string value, int depth);

    /// <summary>An expression that reads the value from the AbiReader <paramref name="reader"/>.</summary>
    public abstract string Decode(string reader, int depth);

    /// <summary>Reads one parameter of an ABI document, registering the structs that it uses.</summary>
    public static AbiParameter Parse(JsonElement json, StructTable structs)
    {
        var name = json.GetProperty("name").GetString()!;
        var isIndexed = json.TryGetProperty("indexed", out var indexed) && indexed.GetBoolean();
        return new AbiParameter(name, Parse(json.GetProperty("type").GetString()!, json, structs), isIndexed);
    }

    private static AbiType Parse(string type, JsonElement json, StructTable structs)
    {
        if (type.EndsWith(']'))
        {
            var open = type.LastIndexOf('[');
            var element = Parse(type[..open], json, structs);
            var count = type[(open + 1)..^1];
            return count.Length == 0
                ? new ListType(element)
                : new FixedListType(element, int.Parse(count, CultureInfo.InvariantCulture));
        }

        return type switch
        {
            "tuple" => structs.Add(json),
            "address" => new WordType(type, "Address", "Address()"),
            "bool" => new WordType(type, "bool", "Bool()"),
            "bytes32" => new WordType(type, "Bytes32", "Bytes32()"),
            "string" => new VariableType(type, "string", "AbiPart.Of({0})", "Text()"),
            "bytes" => new VariableType(type, "ReadOnlyMemory<byte>", "AbiPart.Of({0}.Span)", "Bytes()"),
            _ when type.StartsWith("uint", StringComparison.Ordinal) => new NumberType(type, false, Suffix(type, 4)),
            _ when type.StartsWith("int", StringComparison.Ordinal) => new NumberType(type, true, Suffix(type, 3)),
            _ when type.StartsWith("bytes", StringComparison.Ordinal) => new ShortBytesType(type, Suffix(type, 5)),
            _ => throw new NotSupportedException($"The ABI type {type} has no binding."),
        };
    }

    private static int Suffix(string type, int start) => int.Parse(type[start..], CultureInfo.InvariantCulture);
}

/// <summary>One word whose reader and part take no width.</summary>
internal sealed record WordType(string Canonical, string CSharp, string Reader) : AbiType
{
    public override string Canonical { get; } = Canonical;

    public override string CSharp { get; } = CSharp;

    public override int? Words => 1;

    public override string Encode(string value, int depth) => $"AbiPart.Of({value})";

    public override string Decode(string reader, int depth) => $"{reader}.{Reader}";
}

/// <summary>bytes and string.</summary>
internal sealed record VariableType(string Canonical, string CSharp, string Writer, string Reader) : AbiType
{
    public override string Canonical { get; } = Canonical;

    public override string CSharp { get; } = CSharp;

    public override int? Words => null;

    public override string Encode(string value, int depth) =>
        string.Format(CultureInfo.InvariantCulture, Writer, value);

    public override string Decode(string reader, int depth) => $"{reader}.{Reader}";
}

/// <summary>bytes1 to bytes31.</summary>
internal sealed record ShortBytesType(string Canonical, int Length) : AbiType
{
    public override string Canonical { get; } = Canonical;

    public override string CSharp => "ReadOnlyMemory<byte>";

    public override int? Words => 1;

    public override string Encode(string value, int depth) => $"AbiPart.Fixed({value}.Span, {Length})";

    public override string Decode(string reader, int depth) => $"{reader}.Fixed({Length})";
}

/// <summary>Integers: the narrowest C# type that holds them all.</summary>
internal sealed record NumberType(string Canonical, bool IsSigned, int Bits) : AbiType
{
    public override string Canonical { get; } = Canonical;

    public override string CSharp => IsSigned || Bits > 128 ? "BigInteger" : Bits > 64 ? "UInt128" : "ulong";

    public override int? Words => 1;

    public override string Encode(string value, int depth) => CSharp == "ulong"
        ? $"AbiPart.NonNegative((UInt128){value}, {Bits})"
        : $"AbiPart.{(IsSigned ? "TwosComplement" : "NonNegative")}({value}, {Bits})";

    public override string Decode(string reader, int depth) => CSharp switch
    {
        "ulong" => $"{reader}.NonNegative64({Bits})",
        "UInt128" => $"{reader}.NonNegative128({Bits})",
        _ => $"{reader}.{(IsSigned ? "TwosComplement" : "NonNegative256")}({Bits})",
    };
}

/// <summary>T[].</summary>
internal sealed record ListType(AbiType Element) : AbiType
{
    public override string Canonical => $"{Element.Canonical}[]";

    public override string CSharp => $"IReadOnlyList<{Element.CSharp}>";

    public override int? Words => null;

    public override string Encode(string value, int depth) =>
        $"AbiPart.Array({value}, static v{depth} => {Element.Encode($"v{depth}", depth + 1)})";

    public override string Decode(string reader, int depth) =>
        $"{reader}.Array<{Element.CSharp}>({Element.Words ?? 1}, "
        + $"static r{depth} => {Element.Decode($"r{depth}", depth + 1)})";
}

/// <summary>T[k].</summary>
internal sealed record FixedListType(AbiType Element, int Count) : AbiType
{
    public override string Canonical => $"{Element.Canonical}[{Count}]";

    public override string CSharp => $"IReadOnlyList<{Element.CSharp}>";

    public override int? Words => Element.Words * Count;

    public override string Encode(string value, int depth) =>
        $"AbiPart.FixedArray({value}, {Count}, static v{depth} => {Element.Encode($"v{depth}", depth + 1)})";

    public override string Decode(string reader, int depth) =>
        $"{reader}{(Words is null ? ".Tail()" : "")}.FixedArray<{Element.CSharp}>({Count}, {Element.Words ?? 1}, "
        + $"static r{depth} => {Element.Decode($"r{depth}", depth + 1)})";
}

/// <summary>A struct: a record of its own.</summary>
internal sealed record StructType(string Name, IReadOnlyList<AbiParameter> Members) : AbiType
{
    public override string Canonical => $"({string.Join(',', Members.Select(m => m.Type.Canonical))})";

    public override string CSharp => Name;

    public override int? Words =>
        Members.Aggregate((int?)0, static (sum, member) => sum + member.Type.Words);

    public override string Encode(string value, int depth) => $"{value}.ToPart()";

    public override string Decode(string reader, int depth) =>
        $"{Name}.Decode({reader}{(Words is null ? ".Tail()" : "")})";
}
