using System.Text.Json;

namespace Souk.Bindings;

/// <summary>The structs of all contracts by name; contracts that share one share its record.</summary>
internal sealed class StructTable
{
    private readonly SortedDictionary<string, StructType> _types = new(StringComparer.Ordinal);

    public IEnumerable<StructType> All => _types.Values;

    /// <summary>The type of a tuple parameter, named after the Solidity struct.</summary>
    public StructType Add(JsonElement json)
    {
        var declared = json.GetProperty("internalType").GetString()!.Split('[')[0];
        var name = Naming.Pascal(declared.Split([' ', '.'])[^1]) + "Tuple";
        var members = json.GetProperty("components").EnumerateArray()
            .Select(component => AbiType.Parse(component, this)).ToList();
        var type = new StructType(name, members);
        if (_types.TryGetValue(name, out var known) && known.Canonical != type.Canonical)
        {
            throw new NotSupportedException($"Two structs with the name {name} have different members.");
        }

        _types[name] = type;
        return type;
    }
}
