using System.Text.Json.Nodes;

namespace Souk.Engines.Tests.Grammar;

public sealed class SchemaGrammarTests
{
    [Fact]
    public async Task Answers_of_random_tokens_satisfy_random_schemas()
    {
        Assert.SkipUnless(
            SchemaJudge.Script is not null || Environment.GetEnvironmentVariable("CI") == "true",
            "Ajv was not restored.");
        List<(JsonNode Schema, string Answer)> pairs = [];
        int schemas = int.TryParse(Environment.GetEnvironmentVariable("SOUK_SCHEMAS"), out int asked) ? asked : 100;
        for (int seed = 0; seed < schemas; seed++)
        {
            var schema = new SchemaMaker(seed).Make();
            var grammar = Grammars.Compile(schema.ToJsonString());
            Assert.True(grammar.IsOk, $"seed {seed}: {grammar.Refusal?.Message}");
            var random = new Random(seed);
            for (int i = 0; i < 3; i++)
            {
                pairs.Add((schema, Grammars.Draw(grammar.Value, random, free: 20 * i).Text));
            }
        }

        var verdicts = await SchemaJudge.JudgeAsync(pairs, TestContext.Current.CancellationToken);
        Assert.Equal(pairs.Count, verdicts.Count);
        for (int i = 0; i < pairs.Count; i++)
        {
            Assert.True(
                verdicts[i] == "ok", $"{verdicts[i]}\n{pairs[i].Schema.ToJsonString()}\n{pairs[i].Answer}");
        }
    }

    [Theory]
    [InlineData("""{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"null"}},"required":["a"]}""",
        """{"a":1}|{"a":-20,"b":null}|{ "a": 1 }|{"a": 0, "b": null}""",
        """{}|{"b":null}|{"b":null,"a":1}|{"a":01}|{"a":1,}|{"a":1.5}|{"a":1,"c":2}|{"a":1""")]
    [InlineData("""{"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":2}""",
        "[true]|[true,false]|[ true, false ]|[\n  true,\n  false\n]", "[]|[true,true,true]|[1]|[true,]")]
    [InlineData("""{"type":"string","minLength":1,"maxLength":2}""",
        "\"ż\"|\"😀😀\"|\"\\n\"|\"\\u00e9x\"", "\"\"|\"abc\"|\"\\ud800\"|\"a\nb\"|abc")]
    [InlineData("""{"type":"integer","minimum":-5,"maximum":17}""",
        "-5|-1|0|9|10|17", "-6|18|100|-10|1.0|00|-0")]
    [InlineData("""{"type":"number","exclusiveMinimum":0,"maximum":2.5}""",
        "0.1|1|1.0|2.5|2.50|2.4999|0.0001", "0|0.0|2.51|3|10|-1|2.500001|1e0")]
    [InlineData("""{"type":"integer","multipleOf":7,"minimum":10}""", "14|21|700", "7|15|10|0")]
    [InlineData("""{"type":"number","multipleOf":0.25}""", "0.25|-1.5|3|0.75|2.0", "0.3|0.26|1.125")]
    [InlineData("""{"anyOf":[{"type":"string","enum":["a","b"]},{"const":{"k":[1]}},{"type":["null","boolean"]}]}""",
        "\"a\"|{\"k\":[1]}|null|false", "\"c\"|{\"k\":[2]}|{}|1")]
    [InlineData(
        """{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"n":{"anyOf":[{"$ref":"#/$defs/n"},"""
        + """{"type":"null"}]}},"required":["n"],"additionalProperties":false}}}""",
        """{"n":null}|{"n":{"n":{"n":null}}}""", """{}|{"n":{}}|null""")]
    [InlineData(
        """{"type":"object","properties":{"age":{"type":"integer"}},"additionalProperties":{"type":"string"}}""",
        """{}|{"age":1}|{"age":1,"x":"y"}|{"ag":"x","agee":"y","":"z"}""",
        """{"age":"x"}|{"x":"y","age":"z"}|{"x":1}|{"\u0061ge":"x"}""")]
    [InlineData("""{"type":"string","pattern":"b+$"}""", "\"b\"|\"abb\"|\"\\\"b\"", "\"\"|\"ba\"")]
    [InlineData("""{"type":"string","pattern":"^(a|bc){2,3}$","maxLength":4}""",
        "\"aa\"|\"abc\"|\"bca\"|\"bcbc\"|\"aaa\"|\"aabc\"", "\"a\"|\"abcbc\"|\"bcbcbc\"|\"aaaa\"")]
    [InlineData("""{"type":"string","pattern":"^(aa)+$","minLength":3,"maxLength":5}""", "\"aaaa\"", "\"aa\"|\"aaa\"")]
    [InlineData("""{"type":"string","format":"date"}""",
        "\"2024-02-29\"|\"2023-12-31\"|\"2000-02-29\"", "\"2023-02-29\"|\"1900-02-29\"|\"2024-13-01\"|\"2024-04-31\"")]
    [InlineData("true", "1|\"x\"|[1,{\"a\":null}]|1.5e3|{}", "|nul|[1|1e|.5|+1")]
    public void A_schema_takes_what_satisfies_it_and_nothing_else(string schema, string taken, string refused)
    {
        var grammar = Grammars.Compile(schema).Value;
        Assert.All(taken.Split('|'), text => Assert.True(Grammars.Accepts(grammar, text), text));
        Assert.All(refused.Split('|'), text => Assert.False(Grammars.Accepts(grammar, text), text));
    }

    [Theory]
    [InlineData("""{"type":"array","uniqueItems":true}""", "'uniqueItems'")]
    [InlineData("""{"not":{"type":"null"}}""", "'not'")]
    [InlineData("""{"type":"object","patternProperties":{}}""", "'patternProperties'")]
    [InlineData("""{"oneOf":[{"type":"null"}]}""", "'oneOf'")]
    [InlineData("""{"allOf":[{"type":"null"},{"type":"null"}]}""", "'allOf'")]
    [InlineData("""{"type":"object","properties":{"a":{"if":true}}}""", "#/properties/a: 'if'")]
    [InlineData("""{"anyOf":[{"type":"null"}],"minLength":1}""", "'minLength' beside 'anyOf'")]
    [InlineData("""{"type":"string","format":"iri"}""", "'iri'")]
    [InlineData("""{"type":"string","pattern":"(?=a)b"}""", "looks around")]
    [InlineData("""{"type":"string","pattern":"(a)\\1"}""", "'\\1'")]
    [InlineData("""{"type":"string","pattern":"\\bx"}""", "'\\b'")]
    [InlineData("""{"type":"string","pattern":"^a{3}$","maxLength":2}""", "no string")]
    [InlineData("""{"type":"string","pattern":"a.{30}b.{30}c"}""", "too complex")]
    [InlineData("""{"type":"integer","minimum":5,"maximum":4}""", "no finite value")]
    [InlineData("""{"enum":[]}""", "no finite value")]
    [InlineData("""{"type":"string","enum":[1,2]}""", "no finite value")]
    [InlineData("""{"$ref":"#"}""", "no finite value")]
    [InlineData("""{"anyOf":[{"type":"null"},{"$ref":"#"}]}""", "refers to itself")]
    [InlineData("""{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}""", "no finite value")]
    [InlineData("""{"$ref":"https://example.com/x"}""", "into the same schema")]
    [InlineData("""{"$ref":"#/$defs/x"}""", "which is not there")]
    [InlineData("""{"type":"array","minItems":3,"maxItems":2}""", "'minItems' exceeds 'maxItems'")]
    [InlineData("""{"type":"text"}""", "'type'")]
    [InlineData("""{"type":"array","minItems":-1}""", "'minItems'")]
    [InlineData("""{"type":"integer","multipleOf":0}""", "'multipleOf'")]
    [InlineData("[]", "must be an object")]
    public void What_is_not_supported_is_refused_by_name(string schema, string name) =>
        Assert.Contains(name, Grammars.Refusal(schema), StringComparison.Ordinal);

    [Fact]
    public void A_recursion_without_a_bound_ends_at_a_depth()
    {
        var grammar = Grammars.AnyObject();
        string Nested(int depth) => string.Concat(Enumerable.Repeat("{\"a\":", depth)) + "{}" + new string('}', depth);
        Assert.True(Grammars.Accepts(grammar, Nested(20)));
        Assert.False(Grammars.Accepts(grammar, Nested(64)));
    }

    [Fact]
    public void Wide_and_deep_schemas_of_the_documented_size_are_taken()
    {
        var properties = new JsonObject();
        for (int i = 0; i < 900; i++)
        {
            properties["p" + i] = new JsonObject { ["type"] = new JsonArray("string", "null") };
        }

        JsonNode deep = new JsonObject { ["type"] = "integer" };
        for (int i = 0; i < 10; i++)
        {
            deep = new JsonObject
            {
                ["type"] = "object",
                ["properties"] = new JsonObject { ["inner"] = deep },
                ["required"] = new JsonArray("inner"),
                ["additionalProperties"] = false,
            };
        }

        properties["deep"] = deep;
        var names = new JsonArray();
        for (int i = 0; i < 1000; i++)
        {
            names.Add((JsonNode)("value number " + i));
        }

        properties["one"] = new JsonObject { ["type"] = "string", ["enum"] = names };
        var root = new JsonObject
        {
            ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = false,
            ["required"] = new JsonArray("one"),
        };
        var grammar = Grammars.Compile(root.ToJsonString()).Value;
        Assert.True(Grammars.Accepts(grammar, """{"p3":null,"p800":"x","one":"value number 77"}"""));
        Assert.False(Grammars.Accepts(grammar, """{"p3":null,"p2":"x","one":"value number 77"}"""));
    }
}
