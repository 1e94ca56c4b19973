using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using Souk.Engines.Grammar;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Tokens;
using Souk.Protocol;

namespace Souk.Engines.Tools;

/// <summary>What the answer to a request must look like, and how calls are told from it.</summary>
/// <param name="Grammar">Bars tokens; null where any text will do.</param>
/// <param name="Convention">How calls are written; null where there are none.</param>
/// <param name="OpeningToken">The special token that opens calls, or null.</param>
internal sealed record AnswerPlan(TokenGrammar? Grammar, ToolConvention? Convention, int? OpeningToken)
{
    public static AnswerPlan Free { get; } = new(null, null, null);
}

/// <summary>Makes grammars for the answers of one model. Safe for concurrent use.</summary>
internal sealed class AnswerRules
{
    private const string Letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private readonly Tokenizer tokenizer;
    private readonly ToolConvention? convention;
    private readonly bool hasEveryByte;
    private readonly Lazy<GrammarShelf> shelf;

    public AnswerRules(PromptEncoder encoder, IReadOnlyCollection<int> endIds)
    {
        tokenizer = encoder.Tokenizer;
        convention = ToolConvention.Of(encoder);
        hasEveryByte = TokenTrie.HasEveryByte(tokenizer);

        // A trie of a large vocabulary takes memory that an engine without such requests need not spend.
        shelf = new Lazy<GrammarShelf>(() => new GrammarShelf(new TokenTrie(tokenizer, endIds)));
    }

    /// <summary>What requests may ask for, in the words of offers.</summary>
    public IEnumerable<string> Features
    {
        get
        {
            if (hasEveryByte)
            {
                yield return EngineFeatures.JsonSchema;
            }

            if (hasEveryByte && convention is not null)
            {
                yield return EngineFeatures.Tools;
            }
        }
    }

    /// <summary>The plan for a request whose features are served.</summary>
    /// <exception cref="EngineException">Theirs: a schema says what is not supported.</exception>
    public AnswerPlan Plan(ChatRequest chat)
    {
        if (ToolChoice.Of(chat) is { } choice)
        {
            return WithTools(chat, choice);
        }

        return RequestRules.NeedsGrammar(chat.ResponseFormat)
            ? AnswerPlan.Free with { Grammar = Unwrap(shelf.Value.OfFormat(chat))! } : AnswerPlan.Free;
    }

    /// <summary>The id of a call: different for each request, and the same when a request is replayed. Mistral's
    /// templates take nine letters and digits, and others take any.</summary>
    public static string CallId(EngineRequest request, ToolConvention convention, int choice, int call)
    {
        byte[] place = new byte[8];
        BinaryPrimitives.WriteInt32BigEndian(place, choice);
        BinaryPrimitives.WriteInt32BigEndian(place.AsSpan(4), call);
        byte[] hash = SHA256.HashData(
            [.. "souk-call-1"u8, .. request.Key.ToBytes(), .. SHA256.HashData(request.Body.Span), .. place]);
        string letters = string.Concat(hash.Select(value => Letters[value % Letters.Length]));
        return convention == ToolConvention.Listed ? letters[..9] : "call_" + letters[..24];
    }

    private AnswerPlan WithTools(ChatRequest chat, ToolChoice choice)
    {
        var calling = convention!;
        bool hasFormat = RequestRules.NeedsGrammar(chat.ResponseFormat);
        if (hasFormat && calling == ToolConvention.Bare && choice is { IsRequired: false, Tools.Count: > 0 })
        {
            throw new EngineException(
                Fault.Theirs, "feature_unsupported",
                "This model writes calls and JSON answers alike: send tools or response_format, not both.");
        }

        int? opening = tokenizer.IdOf(calling.Opening) is { } id && tokenizer.IsSpecial(id) ? id : null;
        if (choice.Tools.Count == 0 && !hasFormat && calling == ToolConvention.Bare)
        {
            return AnswerPlan.Free;
        }

        string text = string.Join(
            '\n', "tools:", calling, chat.Tools?.GetRawText(), chat.ToolChoice?.GetRawText(), chat.ParallelToolCalls,
            chat.ResponseFormat?.GetRawText());
        var grammar = Unwrap(shelf.Value.Get(text, "tools", builder =>
            new ToolGrammar(builder, calling, tokenizer).Write(
                choice, (tool, values) => Arguments(builder, values, tool),
                hasFormat ? values => GrammarShelf.Write(builder, values, chat.ResponseFormat!.Value) : null)));
        return new AnswerPlan(grammar, choice.Tools.Count > 0 ? calling : null, opening);
    }

    private static T Unwrap<T>(Result<T> made) => made.TryGet(out var value, out var refusal)
        ? value : throw new EngineException(refusal.Fault, refusal.Code, refusal.Message);

    // A tool that is not strict may have any schema at all: what cannot be held to becomes any object, as with OpenAI,
    // where such arguments are a best effort.
    private static int Arguments(GrammarBuilder builder, ValueRules values, OfferedTool tool)
    {
        if (tool.Parameters is not { } schema)
        {
            return values.Words("{}");
        }

        try
        {
            RequireObject(schema);
            var trial = new GrammarBuilder(builder.Meter);
            trial.Build(SchemaCompiler.Compile(trial, new ValueRules(trial), schema));
        }
        catch (GrammarRefusal) when (!tool.IsStrict)
        {
            return values.AnyObject();
        }
        catch (GrammarRefusal refusal)
        {
            throw new GrammarRefusal($"'{tool.Path}' of {ValueRules.Quote(tool.Name)}: {refusal.Message}");
        }

        return SchemaCompiler.Compile(builder, values, schema);
    }

    private static void RequireObject(JsonElement schema)
    {
        bool isObject = schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("type", out var type)
            && type.ValueKind == JsonValueKind.String && type.ValueEquals("object"u8);
        if (!isObject)
        {
            throw new GrammarRefusal("the schema of arguments must have the type 'object'.");
        }
    }
}
