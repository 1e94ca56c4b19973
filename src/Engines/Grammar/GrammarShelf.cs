using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.Protocol;

namespace Souk.Engines.Grammar;

/// <summary>The grammars of one model: each schema is compiled once and kept while it is among the last ones used.
/// Refusals are kept as well, so that asking again costs nothing. Safe for concurrent use.</summary>
internal sealed class GrammarShelf(TokenTrie trie)
{
    private const int MostKept = 32;
    private const long MostSteps = 3_000_000;
    private const string Unsupported = "schema_unsupported";
    private readonly Lock gate = new();
    private readonly LinkedList<(string Key, Result<TokenGrammar> Grammar)> used = new();
    private readonly Dictionary<string, LinkedListNode<(string Key, Result<TokenGrammar> Grammar)>> byKey =
        new(StringComparer.Ordinal);

    /// <summary>The grammar that a response_format asks for; null where it asks for none. Refused as theirs,
    /// "schema_unsupported", naming what stands in the way.</summary>
    public Result<TokenGrammar?> OfFormat(ChatRequest chat)
    {
        if (chat.ResponseFormat is not { } format || !RequestRules.NeedsGrammar(format))
        {
            return (TokenGrammar?)null;
        }

        var made = Get(
            "format:" + format.GetRawText(), "response_format",
            builder => Write(builder, new ValueRules(builder), format));
        return made.TryGet(out var grammar, out var refusal) ? grammar : refusal;
    }

    /// <summary>The rule of what a response_format asks for: a schema, or any object.</summary>
    /// <exception cref="GrammarRefusal">It asks for what is not supported.</exception>
    public static int Write(GrammarBuilder builder, ValueRules values, JsonElement format)
    {
        bool hasSchema = format.TryGetProperty("json_schema", out var wrapped)
            && wrapped.TryGetProperty("schema", out var schema) && schema.ValueKind != JsonValueKind.Null;
        return hasSchema
            ? SchemaCompiler.Compile(builder, values, wrapped.GetProperty("schema")) : values.AnyObject();
    }

    /// <summary>A grammar by its text, made where it is not at hand.</summary>
    /// <param name="text">Names the grammar completely.</param>
    /// <param name="field">The field of the request that asks for it.</param>
    /// <param name="write">Writes its rules and returns the one to start with.</param>
    public Result<TokenGrammar> Get(string text, string field, Func<GrammarBuilder, int> write)
    {
        string key = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        lock (gate)
        {
            if (byKey.TryGetValue(key, out var known))
            {
                used.Remove(known);
                used.AddFirst(known);
                return known.Value.Grammar;
            }

            var made = Make(field, write);
            byKey.Add(key, used.AddFirst((key, made)));
            if (used.Count > MostKept)
            {
                byKey.Remove(used.Last!.Value.Key);
                used.RemoveLast();
            }

            return made;
        }
    }

    private Result<TokenGrammar> Make(string field, Func<GrammarBuilder, int> write)
    {
        try
        {
            var builder = new GrammarBuilder(new WorkMeter(MostSteps));
            return new TokenGrammar(builder.Build(write(builder)), trie);
        }
        catch (GrammarRefusal refusal)
        {
            return new Refusal(Fault.Theirs, Unsupported, $"Invalid '{field}': {refusal.Message}");
        }
    }
}
