using System.Text;
using System.Text.Json;

namespace Souk.Engines.Grammar;

/// <summary>From a JSON schema to the rules of a grammar whose every text satisfies it. Where the schema leaves a
/// choice of form, the grammar may be narrower: properties keep their order, white space is bounded, numbers and
/// names have one form.</summary>
internal sealed class SchemaCompiler
{
    private const int MostProperties = 5_000;
    private const int MostOptional = 1_000;
    private const int MostDefinitions = 5_000;
    private const int MostConstants = 10_000;
    private readonly GrammarBuilder builder;
    private readonly ValueRules values;
    private readonly JsonElement root;
    private readonly Dictionary<string, int> definitions = new(StringComparer.Ordinal);
    private readonly Queue<(string Pointer, int Rule, JsonElement Schema)> waiting = new();
    private int properties;
    private int constants;

    private SchemaCompiler(GrammarBuilder builder, ValueRules values, JsonElement root)
    {
        this.builder = builder;
        this.values = values;
        this.root = root;
    }

    /// <summary>The rule of a whole schema.</summary>
    /// <exception cref="GrammarRefusal">It says something that is not supported, or too much.</exception>
    public static int Compile(GrammarBuilder builder, ValueRules values, JsonElement schema)
    {
        var compiler = new SchemaCompiler(builder, values, schema);
        int rule = compiler.Define("#", schema);
        while (compiler.waiting.TryDequeue(out var next))
        {
            int end = builder.Return(next.Rule);
            builder.Begin(
                next.Rule, builder.Call(next.Rule, compiler.Value(next.Schema, next.Pointer), end));
        }

        return rule;
    }

    // Definitions are compiled one after the other rather than inside each other, since they may form a long chain or
    // a ring.
    private int Define(string pointer, JsonElement schema)
    {
        if (!definitions.TryGetValue(pointer, out int rule))
        {
            if (definitions.Count >= MostDefinitions)
            {
                throw new GrammarRefusal($"more than {MostDefinitions} definitions are referred to.");
            }

            rule = builder.NewRule();
            definitions.Add(pointer, rule);
            waiting.Enqueue((pointer, rule, schema));
        }

        return rule;
    }

    private int Value(JsonElement schema, string path)
    {
        builder.Meter.Spend(16);
        switch (schema.ValueKind)
        {
            case JsonValueKind.True:
                return values.Any();
            case JsonValueKind.False:
                return builder.NewRule();
            case JsonValueKind.Object:
                break;
            default:
                throw new GrammarRefusal($"{path}: a schema must be an object.");
        }

        SchemaKeywords.RequireKnown(schema, path);
        if (SchemaReader.Text(schema, "$ref", path) is { } reference)
        {
            SchemaKeywords.RequireAlone(schema, "$ref", path);
            return Reference(reference, path);
        }

        if (SchemaReader.Of(schema, "allOf", JsonValueKind.Array, path) is { } all)
        {
            SchemaKeywords.RequireAlone(schema, "allOf", path);
            return all.GetArrayLength() == 1
                ? Value(all[0], path + "/allOf/0")
                : throw new GrammarRefusal($"{path}: 'allOf' of more than one schema is not supported.");
        }

        if (SchemaReader.Of(schema, "anyOf", JsonValueKind.Array, path) is { } alternatives)
        {
            SchemaKeywords.RequireAlone(schema, "anyOf", path);
            return Either(alternatives.EnumerateArray().Select((one, i) => Value(one, $"{path}/anyOf/{i}")));
        }

        var types = SchemaReader.Types(schema, path);
        if (schema.TryGetProperty("const", out var constant))
        {
            SchemaKeywords.RequireAlone(schema, "const", path, "type");
            return Constants([constant], types);
        }

        if (SchemaReader.Of(schema, "enum", JsonValueKind.Array, path) is { } constantsListed)
        {
            SchemaKeywords.RequireAlone(schema, "enum", path, "type");
            return Constants(constantsListed.EnumerateArray(), types);
        }

        types = types.Count > 0 ? types : [.. SchemaKeywords.TypesMeantBy(schema)];
        return types.Count == 0 ? values.Any() : Either(types
            .Where(type => type != "integer" || !types.Contains("number"))
            .Select(type => OfType(type, schema, path)));
    }

    private int OfType(string type, JsonElement schema, string path) => type switch
    {
        "object" => Object(schema, path),
        "array" => Array(schema, path),
        "string" => String(schema, path),
        "boolean" => values.Words("true", "false"),
        "null" => values.Words("null"),
        _ => Bounded(schema, type == "integer", path),
    };

    private int Either(IEnumerable<int> rules)
    {
        int[] all = [.. rules];
        if (all.Length == 1)
        {
            return all[0];
        }

        int rule = builder.NewRule();
        int end = builder.Return(rule);
        builder.Begin(rule, builder.Choice(rule, [.. all.Select(one => builder.Call(rule, one, end))]));
        return rule;
    }

    private int Constants(IEnumerable<JsonElement> listed, IReadOnlyList<string> types)
    {
        string[] texts = [.. listed.Where(value => SchemaReader.HasType(value, types)).Select(ValueRules.Write)];
        constants += texts.Length;
        return constants <= MostConstants
            ? values.Words(texts)
            : throw new GrammarRefusal($"it has more than {MostConstants} enumerated values.");
    }

    private int Bounded(JsonElement schema, bool isInteger, string path)
    {
        try
        {
            return values.Number(SchemaReader.Bounds(schema, isInteger, path));
        }
        catch (GrammarRefusal refusal) when (!refusal.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new GrammarRefusal($"{path}: {refusal.Message}");
        }
    }

    private int Array(JsonElement schema, string path)
    {
        var (least, most) = SchemaReader.Range(schema, "minItems", "maxItems", path);
        int item = schema.TryGetProperty("items", out var items) ? Value(items, path + "/items") : values.Any();
        return values.Array(item, least, most);
    }

    private int String(JsonElement schema, string path)
    {
        var (least, most) = SchemaReader.Range(schema, "minLength", "maxLength", path);
        string? pattern = SchemaReader.Text(schema, "pattern", path);
        string? format = SchemaReader.Text(schema, "format", path);
        if (pattern is null && format is null)
        {
            return values.String(least, most);
        }

        string? formatPattern = format is null ? null : StringFormats.PatternOf(format)
            ?? throw new GrammarRefusal($"{path}: the format '{SchemaKeywords.Short(format)}' is not supported.");
        most = format is null ? most : Math.Min(most, StringFormats.MostCharacters(format));
        try
        {
            return Patterned([.. new[] { pattern, formatPattern }.OfType<string>()], least, most);
        }
        catch (GrammarRefusal refusal)
        {
            throw new GrammarRefusal($"{path}: {refusal.Message}");
        }
    }

    private int Patterned(string[] patterns, int least, int most)
    {
        var meter = builder.Meter;
        var matching = patterns.Select(pattern => CharacterAutomaton.Of(ExpressionReader.Read(pattern), meter))
            .Aggregate((one, other) => CharacterAutomaton.Both(one, other, meter));

        // An upper bound alone can be kept while counting, since every state knows how much is still needed. With a
        // lower bound not every length may be possible, so both become part of the automaton.
        if (least > 0)
        {
            matching = CharacterAutomaton.Both(
                matching, CharacterAutomaton.OfLength(least, most, meter), meter);
            most = int.MaxValue;
        }

        var text = matching.ToBytes(meter);
        if (text.IsEmpty || (most != int.MaxValue && text.Need(0) > most))
        {
            throw new GrammarRefusal("no string satisfies it.");
        }

        int rule = builder.NewRule(0, most);
        int close = builder.Literal(rule, "\"", builder.Return(rule));
        builder.Begin(
            rule,
            builder.Literal(rule, "\"", builder.Automaton(rule, text, close, isCounted: most != int.MaxValue)));
        return rule;
    }

    private int Object(JsonElement schema, string path)
    {
        var declared = Declared(schema, path);
        int? further = Further(schema, path, declared);
        int required = declared.FindLastIndex(property => property.IsRequired);
        if (declared.Count - declared.Count(property => property.IsRequired) > MostOptional)
        {
            throw new GrammarRefusal($"{path}: more than {MostOptional} properties are optional.");
        }

        int rule = builder.NewRule();
        var shape = new ObjectShape(builder, rule);
        int? following = further is { } value ? shape.AddFurther(OtherNames(declared), value) : null;
        for (int i = declared.Count - 1; i >= 0; i--)
        {
            var (name, schemaOf, isRequired) = declared[i];
            int inner = schemaOf is { } own
                ? Value(own, $"{path}/properties/{SchemaKeywords.Short(name)}") : further!.Value;
            int key = shape.Add(name, inner, i >= required, following);
            following = isRequired || following is not { } rest ? key : builder.Choice(rule, key, rest);
        }

        builder.Begin(rule, shape.Open(required < 0, following));
        return rule;
    }

    private List<(string Name, JsonElement? Schema, bool IsRequired)> Declared(JsonElement schema, string path)
    {
        HashSet<string> required = new(StringComparer.Ordinal);
        List<string> order = [];
        var listedNames = SchemaReader.Of(schema, "required", JsonValueKind.Array, path);
        foreach (var name in listedNames?.EnumerateArray() ?? default)
        {
            if (name.ValueKind != JsonValueKind.String)
            {
                throw new GrammarRefusal($"{path}: 'required' must list names.");
            }

            if (required.Add(name.GetString()!))
            {
                order.Add(name.GetString()!);
            }
        }

        Dictionary<string, JsonElement> named = new(StringComparer.Ordinal);
        List<(string, JsonElement?, bool)> declared = [];
        if (SchemaReader.Of(schema, "properties", JsonValueKind.Object, path) is { } listed)
        {
            foreach (var property in listed.EnumerateObject())
            {
                if (!named.TryAdd(property.Name, property.Value))
                {
                    throw new GrammarRefusal($"{path}: '{SchemaKeywords.Short(property.Name)}' is declared twice.");
                }

                declared.Add((property.Name, property.Value, required.Contains(property.Name)));
            }
        }

        declared.AddRange(order.Where(name => !named.ContainsKey(name))
            .Select(name => (name, (JsonElement?)null, true)));
        properties += declared.Count;
        return properties <= MostProperties
            ? declared : throw new GrammarRefusal($"it has more than {MostProperties} properties.");
    }

    // Whether an object holds more than it declares is the schema's to say: without a word, one that declares
    // properties holds these alone, which every reading of the schema allows.
    private int? Further(
        JsonElement schema, string path, List<(string Name, JsonElement? Schema, bool IsRequired)> declared)
    {
        bool isUndeclared = declared.Exists(property => property.Schema is null);
        if (!schema.TryGetProperty("additionalProperties", out var further))
        {
            return declared.Count == 0 || isUndeclared ? values.Any() : null;
        }

        if (further.ValueKind != JsonValueKind.False)
        {
            return Value(further, path + "/additionalProperties");
        }

        return isUndeclared
            ? throw new GrammarRefusal($"{path}: 'required' names a property that is not declared.") : null;
    }

    // Names of further properties: any text without escapes that is not a declared name, which has its own schema.
    private ByteAutomaton OtherNames(List<(string Name, JsonElement? Schema, bool IsRequired)> declared)
    {
        var plain = ValueRules.Text;
        List<Dictionary<byte, int>> nodes = [[]];
        List<bool> ends = [false];
        foreach (var (name, _, _) in declared)
        {
            int at = 0;
            foreach (byte value in Encoding.UTF8.GetBytes(name))
            {
                if (!nodes[at].TryGetValue(value, out int next))
                {
                    nodes[at].Add(value, next = nodes.Count);
                    nodes.Add([]);
                    ends.Add(false);
                }

                at = next;
            }

            ends[at] = true;
        }

        return ByteAutomaton.Explore(
            (Text: 0, Name: 0),
            (place, value) =>
            {
                int text = value == (byte)'\\' ? -1 : plain.Step(place.Text, value);
                int name = place.Name >= 0 && nodes[place.Name].TryGetValue(value, out int next) ? next : -1;
                return text < 0 ? null : (text, name);
            },
            place => plain.Accepts(place.Text) && (place.Name < 0 || !ends[place.Name]),
            builder.Meter);
    }

    private int Reference(string reference, string path)
    {
        if (!reference.StartsWith('#'))
        {
            throw new GrammarRefusal($"{path}: '$ref' may only point into the same schema.");
        }

        var target = root;
        foreach (string part in Uri.UnescapeDataString(reference[1..]).Split('/').Skip(1))
        {
            string name = part.Replace("~1", "/", StringComparison.Ordinal)
                .Replace("~0", "~", StringComparison.Ordinal);
            builder.Meter.Spend(1);
            bool isFound = target.ValueKind switch
            {
                JsonValueKind.Object => target.TryGetProperty(name, out target),
                JsonValueKind.Array => int.TryParse(name, out int index) && index >= 0
                    && index < target.GetArrayLength() && (target = target[index]).ValueKind != JsonValueKind.Undefined,
                _ => false,
            };
            if (!isFound)
            {
                throw new GrammarRefusal(
                    $"{path}: '$ref' points at '{SchemaKeywords.Short(reference)}', which is not there.");
            }
        }

        if (reference.Length > 1 && reference[1] != '/')
        {
            throw new GrammarRefusal($"{path}: '$ref' by an anchor is not supported.");
        }

        return Define(reference, target);
    }
}
