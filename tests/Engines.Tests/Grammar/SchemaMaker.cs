using System.Text.Json.Nodes;

namespace Souk.Engines.Tests.Grammar;

/// <summary>Random schemas of the kinds that OpenAI documents for structured outputs: nested objects whose properties
/// are all required or not, arrays with and without bounds, enum, const, anyOf, lists of types, definitions that may
/// refer to themselves, and the documented constraints of strings and numbers.</summary>
public sealed class SchemaMaker(int seed)
{
    private static readonly string[] Names =
        ["name", "city", "count", "is_open", "größe", "a b", "tags", "unit", "price", "next", "kind", "value"];

    private static readonly string[] Formats =
        ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

    private static readonly string[] Patterns =
    [
        "^[A-Z]{2}-[0-9]{3}$", "^(red|green|blue)$", "[aeiou]", "^\\d{1,3}(\\.\\d{1,2})?$", "^\\w+$", "^[^\\s@]{1,8}$",
        "^$|^x", "^[\\u00e0-\\u00ff]{2}$", "^a.c",
    ];

    private readonly Random random = new(seed);
    private readonly JsonObject definitions = [];

    /// <summary>A schema whose root is an object.</summary>
    public JsonObject Make()
    {
        int count = random.Next(3);
        for (int i = 0; i < count; i++)
        {
            // Others are referred to once they are there: any ring would have no finite value.
            definitions[$"d{i}"] = Definition(i);
        }

        var root = Object(3);
        if (definitions.Count > 0)
        {
            root["$defs"] = definitions;
        }

        return root;
    }

    // A list or a tree of itself, or anything else.
    private JsonObject Definition(int index)
    {
        var again = new JsonObject { ["$ref"] = $"#/$defs/d{index}" };
        return random.Next(3) switch
        {
            0 => Strict(new JsonObject
            {
                ["value"] = Value(1),
                ["next"] = new JsonObject { ["anyOf"] = new JsonArray(again, OfType("null")) },
            }),
            1 => Strict(new JsonObject
            {
                ["label"] = OfType("string", ("maxLength", 6)),
                ["children"] = OfType("array", ("items", again), ("maxItems", 2)),
            }),
            _ => Value(2),
        };
    }

    private JsonObject Value(int depth)
    {
        int most = depth > 0 ? 13 : 9;
        return random.Next(most) switch
        {
            0 => Text(),
            1 => Number("number"),
            2 => Number("integer"),
            3 => OfType("boolean"),
            4 => OfType("null"),
            5 => new JsonObject { ["type"] = "string", ["enum"] = Some(["red", "gr\"een", "bl\\ue", "żółty", ""]) },
            6 => random.Next(2) == 0
                ? new JsonObject { ["const"] = Constant() } : new JsonObject { ["enum"] = Mixed() },
            7 => new JsonObject { ["type"] = new JsonArray("string", "null"), ["description"] = "may be missing" },
            8 => new JsonObject { ["type"] = new JsonArray("integer", "boolean", "null") },
            9 => Object(depth - 1),
            10 => Array(depth - 1),
            11 => Either(depth - 1),
            _ => definitions.Count == 0 ? Object(depth - 1)
                : new JsonObject { ["$ref"] = $"#/$defs/d{random.Next(definitions.Count)}" },
        };
    }

    private JsonObject Object(int depth)
    {
        var properties = new JsonObject();
        int count = random.Next(depth > 2 ? 1 : 0, 5);
        for (int i = 0; i < count; i++)
        {
            properties[Names[random.Next(Names.Length)]] = Value(depth);
        }

        var made = Strict(properties);
        switch (random.Next(5))
        {
            case 0:
                made["required"] = Some([.. properties.Select(pair => pair.Key)], least: 0);
                break;
            case 1:
                made.Remove("required");
                made["additionalProperties"] = random.Next(2) == 0 ? Value(0) : true;
                break;
            default:
                break;
        }

        return made;
    }

    private static JsonObject Strict(JsonObject properties) => new()
    {
        ["type"] = "object",
        ["properties"] = properties,
        ["required"] = new JsonArray([.. properties.Select(pair => (JsonNode)pair.Key)]),
        ["additionalProperties"] = false,
    };

    private JsonObject Array(int depth)
    {
        var made = OfType("array", ("items", Value(depth)));
        int least = random.Next(3);
        if (random.Next(2) == 0)
        {
            made["minItems"] = least;
        }

        if (random.Next(2) == 0)
        {
            made["maxItems"] = least + random.Next(3);
        }

        return made;
    }

    private JsonObject Either(int depth)
    {
        var alternatives = new JsonArray();
        int count = random.Next(2, 4);
        for (int i = 0; i < count; i++)
        {
            alternatives.Add((JsonNode)Value(depth));
        }

        return new JsonObject { ["anyOf"] = alternatives };
    }

    private JsonObject Text()
    {
        int least = random.Next(4);
        return random.Next(6) switch
        {
            0 => OfType("string", ("pattern", Patterns[random.Next(Patterns.Length)])),
            1 => OfType("string", ("format", Formats[random.Next(Formats.Length)])),
            2 => OfType("string", ("minLength", least), ("maxLength", least + random.Next(12))),
            3 => OfType("string", ("maxLength", random.Next(300))),
            4 => OfType("string", ("pattern", "^[a-z]*$"), ("minLength", least), ("maxLength", 9)),
            _ => OfType("string"),
        };
    }

    private JsonObject Number(string type)
    {
        double low = type == "integer" ? random.Next(-2000, 2000) : random.Next(-20000, 20000) / 16.0;
        double width = type == "integer" ? random.Next(2, 3000) : random.Next(1, 500) / 4.0;
        return random.Next(6) switch
        {
            0 => OfType(type, ("minimum", low)),
            1 => OfType(type, ("maximum", low)),
            2 => OfType(type, ("minimum", low), ("maximum", low + width)),
            3 => OfType(type, ("exclusiveMinimum", low), ("exclusiveMaximum", low + width)),
            4 => OfType(type, ("multipleOf", type == "integer" ? random.Next(1, 60) : 0.25)),
            _ => OfType(type),
        };
    }

    private JsonNode Constant() => random.Next(5) switch
    {
        0 => JsonValue.Create("a \"quoted\" \\ text\n"),
        1 => JsonValue.Create(random.Next(-99, 99)),
        2 => JsonValue.Create(true),
        3 => new JsonArray(1, "two", null),
        _ => new JsonObject { ["x"] = 1.5, ["ü"] = new JsonObject() },
    };

    private static JsonArray Mixed() =>
        new("one", 2, 2.5, false, null, new JsonArray(), new JsonObject { ["k"] = "v" });

    private JsonArray Some(string[] all, int least = 1)
    {
        var some = new JsonArray();
        foreach (string one in all)
        {
            if (random.Next(2) == 0)
            {
                some.Add((JsonNode)one);
            }
        }

        if (some.Count < least)
        {
            some.Add((JsonNode)all[0]);
        }

        return some;
    }

    private static JsonObject OfType(string type, params (string Name, JsonNode? Value)[] more)
    {
        var made = new JsonObject { ["type"] = type };
        foreach (var (name, value) in more)
        {
            made[name] = value;
        }

        return made;
    }
}
