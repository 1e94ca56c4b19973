using System.Text;
using Souk.Engines.Grammar;
using Souk.OpenAi.Tokens;

namespace Souk.Engines.Tools;

/// <summary>Writes the rules of an answer that may hold calls: free text, or what a response_format asks for, up to
/// where a call opens; from there only calls, with arguments that satisfy their schemas.</summary>
internal sealed class ToolGrammar(GrammarBuilder builder, ToolConvention convention, Tokenizer tokenizer)
{
    private readonly ValueRules values = new(builder);

    /// <summary>The rule of a whole answer.</summary>
    /// <param name="choice">What may be called.</param>
    /// <param name="arguments">Per tool, writes the rule of its arguments.</param>
    /// <param name="content">Writes the rule of an answer that is no call, or null for free text.</param>
    public int Write(
        ToolChoice choice, Func<OfferedTool, ValueRules, int> arguments, Func<ValueRules, int>? content)
    {
        int rule = builder.NewRule();
        int end = builder.Return(rule);
        if (choice.IsRequired)
        {
            builder.Begin(rule, builder.Call(rule, Calls(choice, arguments), end));
            return rule;
        }

        if (content is not null)
        {
            int told = builder.Call(rule, content(values), end);
            builder.Begin(rule, choice.Tools.Count == 0
                ? told : builder.Choice(rule, told, builder.Call(rule, Calls(choice, arguments), end)));
            return rule;
        }

        var free = Free(choice.Tools.Count > 0);
        int text = builder.Automaton(rule, free, end, isFreeText: true);
        if (choice.Tools.Count == 0)
        {
            builder.Begin(rule, text);
            return rule;
        }

        int calls = builder.Call(rule, Calls(choice, arguments), end);
        int before = convention.Opening.Length == 0 ? calls
            : Special(convention.Opening) is not null ? builder.Automaton(rule, free, calls, isFreeText: true)
            : builder.Automaton(rule, UpTo(), Opened(choice, arguments, rule, end), isFreeText: true);
        builder.Begin(rule, builder.Choice(rule, text, before));
        return rule;
    }

    private int? Special(string mark) => tokenizer.IdOf(mark) is { } id && tokenizer.IsSpecial(id) ? id : null;

    private int Mark(int rule, string mark, int next) => mark.Length == 0 ? next
        : Special(mark) is { } id ? builder.Special(rule, id, next) : builder.Literal(rule, mark, next);

    // All calls, the first opening included.
    private int Calls(ToolChoice choice, Func<OfferedTool, ValueRules, int> arguments) =>
        Calls(choice, arguments, isOpen: false);

    // The text that led here has the opening at its end.
    private int Opened(ToolChoice choice, Func<OfferedTool, ValueRules, int> arguments, int rule, int end) =>
        builder.Call(rule, Calls(choice, arguments, isOpen: true), end);

    private int Calls(ToolChoice choice, Func<OfferedTool, ValueRules, int> arguments, bool isOpen)
    {
        int call = OneOf(choice, arguments);
        int most = choice.IsParallel ? convention.MostCalls : 1;
        int rule = builder.NewRule(1, most);
        int end = builder.Return(rule);
        if (convention.IsList)
        {
            int list = builder.Call(rule, values.Array(call, 1, most), end);
            builder.Begin(rule, isOpen ? list : Mark(rule, convention.Opening, builder.Space(rule, list)));
            return rule;
        }

        int after = builder.Reserve(rule);
        int one = builder.Increment(rule, builder.Space(rule, builder.Call(
            rule, call, builder.Space(rule, Mark(rule, convention.Closing, after)))));
        int opened = Mark(rule, convention.Opening, one);
        builder.Fill(
            after, end, builder.Guard(rule, 0, most - 1, builder.Space(rule, opened)));
        if (convention.Opening.Length == 0)
        {
            // Nothing around it: the object is the answer.
            builder.Begin(rule, builder.Call(rule, call, end));
            return rule;
        }

        builder.Begin(rule, isOpen ? one : opened);
        return rule;
    }

    private int OneOf(ToolChoice choice, Func<OfferedTool, ValueRules, int> arguments)
    {
        int rule = builder.NewRule();
        int end = builder.Return(rule);
        List<int> calls = [];
        foreach (var tool in choice.Tools)
        {
            int close = builder.Space(rule, builder.Literal(rule, "}", end));
            int value = builder.Call(rule, arguments(tool, values), close);
            int key = builder.Literal(rule, $"\"{convention.ArgumentsKey}\":", builder.Space(rule, value));
            int name = builder.Literal(
                rule, ValueRules.Quote(tool.Name) + ",", builder.Space(rule, key));
            int start = builder.Literal(rule, "\"name\":", builder.Space(rule, name));
            calls.Add(builder.Literal(rule, "{", builder.Space(rule, start)));
        }

        builder.Begin(rule, builder.Choice(rule, [.. calls]));
        return rule;
    }

    /// <summary>Text in which no call opens.</summary>
    private ByteAutomaton Free(bool mayCall)
    {
        if (convention.Opening.Length == 0)
        {
            // An object at the start would be a call; without calls it is text like any other.
            return ByteAutomaton.Explore(
                mayCall ? 0 : 1,
                (state, value) => state == 1 ? 1 : value switch
                {
                    (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t' => 0,
                    (byte)'{' => null,
                    _ => 1,
                },
                _ => true, builder.Meter);
        }

        byte[] mark = Special(convention.Opening) is null ? Encoding.UTF8.GetBytes(convention.Opening) : [];
        return ByteAutomaton.Explore(
            0, (state, value) => Next(mark, state, value) is var next && mark.Length > 0 && next == mark.Length
                ? null : next,
            _ => true, builder.Meter);
    }

    /// <summary>Text that ends where the first call opens.</summary>
    private ByteAutomaton UpTo()
    {
        byte[] mark = Encoding.UTF8.GetBytes(convention.Opening);
        return ByteAutomaton.Explore(
            0, (state, value) => state == mark.Length ? null : Next(mark, state, value),
            state => state == mark.Length, builder.Meter);
    }

    // How much of the mark the text ends with: the longest beginning of it that is an end of what was read.
    private static int Next(byte[] mark, int matched, byte value)
    {
        for (int length = Math.Min(matched + 1, mark.Length); length > 0; length--)
        {
            bool isEnd = mark[length - 1] == value
                && mark.AsSpan(0, length - 1).SequenceEqual(mark.AsSpan(matched - length + 1, length - 1));
            if (isEnd)
            {
                return length;
            }
        }

        return 0;
    }
}
