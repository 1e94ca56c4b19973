using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Souk.Engines.Grammar;

namespace Souk.Engines.Tests.Grammar;

public sealed class MaskTests
{
    [Fact]
    public void Every_mask_agrees_with_a_plain_reader_of_json()
    {
        var grammar = Grammars.AnyObject();
        var trie = Grammars.Trie;
        float[] logits = new float[trie.Size + 10];
        for (int seed = 0; seed < 12; seed++)
        {
            var random = new Random(seed);
            var walk = grammar.Begin();
            List<byte> text = [];
            for (int step = 0; step < 25 && !walk.IsComplete; step++)
            {
                Array.Clear(logits);
                walk.Mask(logits);
                List<int> allowed = [];
                for (int id = 0; id < trie.Size; id++)
                {
                    bool isAllowed = trie.IsEnd(id) ? ReferenceJson.IsWhole([.. text])
                        : !trie.IsSpecial(id) && trie.BytesOf(id).Length > 0
                            && ReferenceJson.IsBeginning([.. text, .. trie.BytesOf(id)]);
                    Assert.True(
                        isAllowed == (logits[id] == 0),
                        $"{Encoding.UTF8.GetString([.. text])} + {Encoding.UTF8.GetString(trie.BytesOf(id))}");
                    if (isAllowed && !trie.IsEnd(id))
                    {
                        allowed.Add(id);
                    }
                }

                Assert.All(logits[trie.Size..], padding => Assert.Equal(float.NegativeInfinity, padding));
                if (allowed.Count > 0)
                {
                    int next = allowed[random.Next(allowed.Count)];
                    walk.Take(next);
                    text.AddRange(trie.BytesOf(next));
                }
            }
        }
    }

    [Fact]
    public void A_mask_computed_in_pieces_is_the_same()
    {
        int pieces = 0;
        for (int seed = 0; seed < 10; seed++)
        {
            string schema = new SchemaMaker(seed).Make().ToJsonString();
            var (whole, cut) = (Grammars.Compile(schema).Value.Begin(), Grammars.Compile(schema).Value.Begin());
            var random = new Random(seed);
            float[] expected = new float[Grammars.Trie.Size];
            float[] actual = new float[Grammars.Trie.Size];
            for (int step = 0; step < 15; step++)
            {
                Array.Clear(expected);
                Array.Clear(actual);
                whole.Mask(expected);
                Assert.False(cut.IsReady);
                while (!cut.Prepare(random.Next(1, 200)))
                {
                    pieces++;
                }

                Assert.True(cut.IsReady);
                cut.Mask(actual);
                Assert.Equal(expected, actual);
                int[] allowed = [.. Enumerable.Range(0, expected.Length).Where(id => expected[id] == 0)];
                int next = allowed[random.Next(allowed.Length)];
                if (Grammars.Trie.IsEnd(next))
                {
                    break;
                }

                whole.Take(next);
                cut.Take(next);
            }
        }

        Assert.True(pieces > 300, $"{pieces}");
    }

    [Theory]
    [InlineData("^[a-c]{2,4}$")]
    [InlineData("(ab|ba)+c?$")]
    [InlineData("^a*b|c$")]
    [InlineData("^(?:a|bc){0,2}[^ab]$")]
    [InlineData("^(a(b(c)?)?)*$")]
    [InlineData("[b-c]a.a")]
    [InlineData("^(a|^b)c+?")]
    [InlineData("(^a|b$)$")]
    [InlineData("a{2}b{1,}|^$")]
    [InlineData("\\x61\\u0062\\.")]
    public void A_pattern_means_what_another_engine_says(string pattern)
    {
        var grammar = Grammars.Compile(
            """{"type":"string","pattern":""" + System.Text.Json.JsonSerializer.Serialize(pattern) + "}").Value;
        var other = new Regex(pattern, RegexOptions.ECMAScript);
        var random = new Random(7);
        for (int i = 0; i < 500; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(7)).Select(_ => "abc."[random.Next(4)]));
            Assert.True(other.IsMatch(text) == Grammars.Accepts(grammar, $"\"{text}\""), text);
        }
    }

    [Fact]
    public void Bounds_of_numbers_mean_what_decimal_arithmetic_says()
    {
        for (int seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            decimal low = random.Next(-3000, 3000) / (random.Next(2) == 0 ? 1m : 100m);
            decimal high = low + (random.Next(0, 4000) / (random.Next(2) == 0 ? 1m : 100m));
            bool excludes = random.Next(2) == 0;
            bool isInteger = random.Next(3) == 0;
            string words = excludes ? "exclusiveMinimum,exclusiveMaximum" : "minimum,maximum";
            string schema = $$"""
                {"type":"{{(isInteger ? "integer" : "number")}}",
                "{{words.Split(',')[0]}}":{{low.ToString(CultureInfo.InvariantCulture)}},
                "{{words.Split(',')[1]}}":{{high.ToString(CultureInfo.InvariantCulture)}}}
                """;
            bool Satisfies(decimal value) =>
                (!isInteger || value == Math.Floor(value))
                && (excludes ? value > low && value < high : value >= low && value <= high);
            var made = Grammars.Compile(schema);
            for (int i = 0; i < 120; i++)
            {
                decimal near = i switch { 0 => low, 1 => high, _ => low + (random.Next(-200, 4200) / 100m) };
                string text = (isInteger ? Math.Round(near) : near).ToString(CultureInfo.InvariantCulture);
                bool expected = Satisfies(decimal.Parse(text, CultureInfo.InvariantCulture));
                bool isTaken = made.IsOk && Grammars.Accepts(made.Value, text);
                Assert.True(
                    expected == isTaken || (isInteger && text.Contains('.', StringComparison.Ordinal)),
                    $"{schema} {text}");
            }
        }
    }

    [Fact]
    public void Random_bytes_and_mangled_schemas_never_throw()
    {
        var shelf = new GrammarShelf(Grammars.Trie);
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            byte[] bytes = Encoding.UTF8.GetBytes(
                """{"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema",""" +
                "\"json_schema\":{\"schema\":" + new SchemaMaker(seed).Make().ToJsonString() + "}}}");
            int changes = random.Next(1, 6);
            for (int i = 0; i < changes; i++)
            {
                int at = random.Next(90, bytes.Length);
                bytes[at] = random.Next(3) switch
                {
                    0 => (byte)random.Next(256),
                    1 => bytes[random.Next(bytes.Length)],
                    _ => (byte)"0123456789-{}[]\",:eE"[random.Next(20)],
                };
            }

            var parsed = OpenAi.Chat.ChatRequest.Parse(bytes);
            if (parsed.IsOk && shelf.OfFormat(parsed.Value) is { IsOk: true, Value: { } grammar })
            {
                Grammars.Draw(grammar, random, free: 5);
            }
        }
    }

    [Fact]
    public void Hostile_schemas_are_refused_or_served_within_bounds()
    {
        string doubling = string.Concat(Enumerable.Range(0, 60).Select(i =>
            $"\"d{i}\":{{\"anyOf\":[{{\"$ref\":\"#/$defs/d{i + 1}\"}},{{\"$ref\":\"#/$defs/d{i + 1}\"}}]}},"));
        string ambiguous =
            """{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"type":"array","items":{"$ref":"#/$defs/a"}},"""
            + """{"type":"array","items":{"$ref":"#/$defs/a"}},{"type":"array","items":{"type":"null"}}]}}}""";
        string[] schemas =
        [
            "{\"$ref\":\"#/$defs/d0\",\"$defs\":{" + doubling + "\"d60\":{\"type\":\"null\"}}}",
            ambiguous,
            """{"type":"string","pattern":"^(([a-z]{0,30}){0,30}){0,30}$"}""",
            """{"type":"string","pattern":"(a*)*(b*)*(a|b|ab)*[^c]{0,500}"}""",
            """{"type":"string","minLength":99999,"maxLength":100000,"pattern":"^(a|b)*$"}""",
            """{"type":"integer","multipleOf":9973,"minimum":-123456789012345,"maximum":123456789012345}""",
            """{"type":"array","minItems":100000,"items":{"type":"array","minItems":100000}}""",
            """{"type":"number","minimum":1e-40,"maximum":1e40,"multipleOf":1e-12}""",
        ];
        foreach (string schema in schemas)
        {
            var made = Grammars.Compile(schema);
            if (!made.IsOk)
            {
                continue;
            }

            var walk = made.Value.Begin();
            float[] logits = new float[Grammars.Trie.Size];
            var random = new Random(1);
            for (int step = 0; step < 30 && !walk.IsComplete; step++)
            {
                Array.Clear(logits);
                walk.Mask(logits);
                int[] allowed = [.. Enumerable.Range(0, logits.Length).Where(id => logits[id] == 0)];
                Assert.NotEmpty(allowed);
                walk.Take(allowed[random.Next(allowed.Length)]);
            }
        }
    }

    [Fact]
    public void The_same_schema_is_compiled_once_and_a_refusal_is_remembered()
    {
        var shelf = new GrammarShelf(Grammars.Trie);
        var chat = Grammars.Chat("""{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"null"}}}""");
        Assert.Same(shelf.OfFormat(chat).Value, shelf.OfFormat(chat).Value);
        var bad = Grammars.Chat("""{"type":"json_schema","json_schema":{"name":"x","schema":{"not":{}}}}""");
        Assert.Same(shelf.OfFormat(bad).Refusal, shelf.OfFormat(bad).Refusal);
        Assert.Null(shelf.OfFormat(Grammars.Chat("""{"type":"text"}""")).Value);
    }

    [Fact]
    public void An_end_that_must_not_come_yet_comes_where_nothing_else_may()
    {
        var grammar = Grammars.Compile("""{"type":"integer","minimum":5,"maximum":50}""").Value;
        var walk = grammar.Begin();
        float[] logits = new float[Grammars.Trie.Size];
        int end = Grammars.Trie.EndIds.First();
        walk.Take(Grammars.Trie.SingleBytes.First(id => Grammars.Trie.BytesOf(id)[0] == '5'));
        walk.Mask(logits, mayEnd: false);
        Assert.Equal(float.NegativeInfinity, logits[end]);
        walk.Take(Grammars.Trie.SingleBytes.First(id => Grammars.Trie.BytesOf(id)[0] == '0'));
        Array.Clear(logits);
        walk.Mask(logits, mayEnd: false);
        Assert.Equal([end], Enumerable.Range(0, logits.Length).Where(id => logits[id] == 0));
        Assert.Throws<InvalidOperationException>(() => walk.Take(Grammars.Trie.SingleBytes[0]));
    }
}
