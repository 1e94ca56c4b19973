using System.Text.Json;

namespace Souk.Engines.Grammar;

/// <summary>The words of JSON Schema that become grammar, those that say nothing about a value, and the rest, which is
/// refused by name: a constraint that is passed over would be a promise that is not kept.</summary>
internal static class SchemaKeywords
{
    private static readonly HashSet<string> Notes = new(StringComparer.Ordinal)
    {
        "title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly", "$schema",
        "$id", "$comment", "$defs", "definitions", "contentEncoding", "contentMediaType",
    };

    private static readonly Dictionary<string, string[]> ByType = new(StringComparer.Ordinal)
    {
        ["object"] = ["properties", "required", "additionalProperties"],
        ["array"] = ["items", "minItems", "maxItems"],
        ["string"] = ["minLength", "maxLength", "pattern", "format"],
        ["number"] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
        ["integer"] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
        ["boolean"] = [],
        ["null"] = [],
    };

    private static readonly HashSet<string> Constraints =
        [.. ByType.Values.SelectMany(words => words), "type", "enum", "const", "anyOf", "allOf", "$ref"];

    public static bool IsType(string name) => ByType.ContainsKey(name);

    /// <summary>The types that a schema without "type" speaks of; empty where it speaks of none.</summary>
    public static IEnumerable<string> TypesMeantBy(JsonElement schema) => ByType
        .Where(pair => pair.Key != "integer" && pair.Value.Any(word => schema.TryGetProperty(word, out _)))
        .Select(pair => pair.Key);

    /// <exception cref="GrammarRefusal">The schema says something that is not supported.</exception>
    public static void RequireKnown(JsonElement schema, string path)
    {
        foreach (var property in schema.EnumerateObject())
        {
            bool isNeutral = property.Name == "uniqueItems" && property.Value.ValueKind == JsonValueKind.False;
            if (!Notes.Contains(property.Name) && !Constraints.Contains(property.Name) && !isNeutral
                && !property.Name.StartsWith("x-", StringComparison.Ordinal))
            {
                throw new GrammarRefusal($"{path}: '{Short(property.Name)}' is not supported.");
            }
        }
    }

    /// <exception cref="GrammarRefusal">Another constraint stands beside <paramref name="word"/>.</exception>
    public static void RequireAlone(JsonElement schema, string word, string path, params string[] companions)
    {
        foreach (var property in schema.EnumerateObject())
        {
            if (property.Name != word && Constraints.Contains(property.Name) && !companions.Contains(property.Name))
            {
                throw new GrammarRefusal($"{path}: '{property.Name}' beside '{word}' is not supported.");
            }
        }
    }

    public static string Short(string text) => text.Length <= 64 ? text : text[..64] + "…";
}
