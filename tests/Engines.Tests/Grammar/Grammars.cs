using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Souk.Engines.Grammar;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Tokens;
using Souk.Protocol;

namespace Souk.Engines.Tests.Grammar;

/// <summary>Grammars over the demo model's tokens, and answers drawn from them.</summary>
internal static class Grammars
{
    private static readonly Lazy<Tokenizer> Demo = new(LoadDemo);

    public static Tokenizer Tokenizer => Demo.Value;

    public static TokenTrie Trie { get; } = new(Tokenizer, Tokenizer.EosIds);

    public static Result<TokenGrammar> Compile(string schema)
    {
        var shelf = new GrammarShelf(Trie);
        string format = """{"type":"json_schema","json_schema":{"name":"x","schema":""" + schema + "}}";
        var made = shelf.OfFormat(Chat(format));
        return made.TryGet(out var grammar, out var refusal) ? grammar! : refusal;
    }

    public static TokenGrammar AnyObject() =>
        new GrammarShelf(Trie).OfFormat(Chat("""{"type":"json_object"}""")).Value!;

    public static ChatRequest Chat(string format)
    {
        string body = """{"model":"m","messages":[{"role":"user","content":"x"}],"response_format":""" + format + "}";
        var parsed = ChatRequest.Parse(Encoding.UTF8.GetBytes(body));
        Assert.True(parsed.IsOk, parsed.Error?.Message);
        return parsed.Value;
    }

    public static string Refusal(string schema)
    {
        var made = Compile(schema);
        Assert.False(made.IsOk, $"{schema} was taken.");
        Assert.Equal((Fault.Theirs, "schema_unsupported"), (made.Refusal!.Fault, made.Refusal.Code));
        return made.Refusal.Message;
    }

    /// <summary>Whether a whole text is an answer, token by token of its bytes.</summary>
    public static bool Accepts(TokenGrammar grammar, string text)
    {
        var walk = grammar.Begin();
        foreach (byte value in Encoding.UTF8.GetBytes(text))
        {
            int id = Trie.SingleBytes.First(single => Trie.BytesOf(single)[0] == value);
            if (!walk.Allows(id))
            {
                return false;
            }

            walk.Take(id);
        }

        return walk.CanEnd;
    }

    /// <summary>An answer of random tokens; after a while those that bring it to an end are preferred.</summary>
    public static (string Text, int Tokens) Draw(TokenGrammar grammar, Random random, int free = 40)
    {
        var walk = grammar.Begin();
        List<byte> text = [];
        float[] logits = new float[Trie.Size];
        for (int tokens = 0; ; tokens++)
        {
            Assert.True(tokens < 4_000, "An answer does not end: " + Encoding.UTF8.GetString([.. text]));
            Array.Clear(logits);
            walk.Mask(logits);
            int[] allowed = [.. Enumerable.Range(0, logits.Length).Where(id => logits[id] == 0)];
            Assert.True(allowed.Length > 0, "Nothing may come after " + Encoding.UTF8.GetString([.. text]));
            int id = allowed[random.Next(allowed.Length)];

            // Not every time: a pattern may ask for something else before a string can end.
            if (tokens >= free && random.Next(4) > 0)
            {
                id = Closing(allowed) ?? id;
            }

            walk.Take(id);
            if (Trie.IsEnd(id))
            {
                return (Encoding.UTF8.GetString([.. text]), tokens);
            }

            text.AddRange(Trie.BytesOf(id));
        }
    }

    public static JsonElement Element(JsonNode node) => JsonSerializer.SerializeToElement(node);

    private static int? Closing(int[] allowed)
    {
        foreach (int id in allowed)
        {
            if (Trie.IsEnd(id))
            {
                return id;
            }
        }

        foreach (char closing in "\"]}n")
        {
            foreach (int id in allowed)
            {
                if (Trie.BytesOf(id) is [var value] && value == closing)
                {
                    return id;
                }
            }
        }

        return null;
    }

    private static Tokenizer LoadDemo()
    {
        for (var up = new DirectoryInfo(AppContext.BaseDirectory); up is not null; up = up.Parent)
        {
            string folder = Path.Combine(up.FullName, "models", "demo", "model");
            if (File.Exists(Path.Combine(folder, "tokenizer.json")))
            {
                var loaded = Tokenizer.Load(
                    File.ReadAllBytes(Path.Combine(folder, "tokenizer.json")),
                    File.ReadAllBytes(Path.Combine(folder, "tokenizer_config.json")),
                    File.ReadAllBytes(Path.Combine(folder, "generation_config.json")));
                return loaded.Value;
            }
        }

        throw new FileNotFoundException("models/demo/model is missing.");
    }
}
