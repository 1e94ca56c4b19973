using System.Text.Json;

namespace Souk.Engines.Grammar;

/// <summary>Reads the values of keywords, each refused by path and name where it has another shape.</summary>
internal static class SchemaReader
{
    private const int GreatestCount = 100_000;

    /// <summary>A count such as minItems, or null.</summary>
    public static int? Count(JsonElement schema, string word, string path)
    {
        if (!schema.TryGetProperty(word, out var value))
        {
            return null;
        }

        bool isCount = value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double count)
            && count >= 0 && count == Math.Floor(count);
        if (!isCount)
        {
            throw new GrammarRefusal($"{path}: '{word}' must be a whole number from 0 on.");
        }

        // More than anything that an engine would write binds nothing, as long as it is an upper bound.
        double wanted = value.GetDouble();
        bool isUpper = word.StartsWith("max", StringComparison.Ordinal);
        return wanted <= GreatestCount ? (int)wanted : isUpper ? int.MaxValue
            : throw new GrammarRefusal($"{path}: '{word}' may be at most {GreatestCount}.");
    }

    public static (int Least, int Most) Range(JsonElement schema, string least, string most, string path)
    {
        int low = Count(schema, least, path) ?? 0;
        int high = Count(schema, most, path) ?? int.MaxValue;
        return low <= high ? (low, high) : throw new GrammarRefusal($"{path}: '{least}' exceeds '{most}'.");
    }

    public static string? Text(JsonElement schema, string word, string path)
    {
        if (!schema.TryGetProperty(word, out var value))
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.String
            ? value.GetString() : throw new GrammarRefusal($"{path}: '{word}' must be a string.");
    }

    public static JsonElement? Of(JsonElement schema, string word, JsonValueKind kind, string path)
    {
        if (!schema.TryGetProperty(word, out var value))
        {
            return null;
        }

        return value.ValueKind == kind
            ? value : throw new GrammarRefusal($"{path}: '{word}' must be an {kind.ToString().ToLowerInvariant()}.");
    }

    public static NumberBounds Bounds(JsonElement schema, bool isInteger, string path)
    {
        var least = Decimal(schema, "minimum", path);
        var most = Decimal(schema, "maximum", path);
        var above = Decimal(schema, "exclusiveMinimum", path);
        var below = Decimal(schema, "exclusiveMaximum", path);
        if ((least is not null && above is not null) || (most is not null && below is not null))
        {
            throw new GrammarRefusal($"{path}: of an inclusive and an exclusive bound only one is supported.");
        }

        return new NumberBounds(isInteger)
        {
            Least = least ?? above,
            ExcludesLeast = above is not null,
            Most = most ?? below,
            ExcludesMost = below is not null,
            MultipleOf = Decimal(schema, "multipleOf", path),
        };
    }

    /// <summary>The types of a schema, without repeats; empty where it names none.</summary>
    public static IReadOnlyList<string> Types(JsonElement schema, string path)
    {
        if (!schema.TryGetProperty("type", out var type))
        {
            return [];
        }

        List<JsonElement> named = type.ValueKind == JsonValueKind.Array ? [.. type.EnumerateArray()] : [type];
        if (named.Count == 0 || named.Exists(name =>
                name.ValueKind != JsonValueKind.String || !SchemaKeywords.IsType(name.GetString()!)))
        {
            throw new GrammarRefusal($"{path}: 'type' names a type that there is not.");
        }

        return [.. named.Select(name => name.GetString()!).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>Whether a constant has one of some types.</summary>
    public static bool HasType(JsonElement value, IReadOnlyList<string> types) => types.Count == 0
        || types.Any(type => type switch
        {
            "object" => value.ValueKind == JsonValueKind.Object,
            "array" => value.ValueKind == JsonValueKind.Array,
            "string" => value.ValueKind == JsonValueKind.String,
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            "null" => value.ValueKind == JsonValueKind.Null,
            "number" => value.ValueKind == JsonValueKind.Number,
            _ => value.ValueKind == JsonValueKind.Number && IsWhole(value, type),
        });

    private static bool IsWhole(JsonElement value, string word) =>
        DecimalText.Parse(value.GetRawText(), word).Fraction.Length == 0;

    private static DecimalText? Decimal(JsonElement schema, string word, string path) =>
        Of(schema, word, JsonValueKind.Number, path) is { } value
            ? DecimalText.Parse(value.GetRawText(), word) : null;
}
