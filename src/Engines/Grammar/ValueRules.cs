using System.Text.Json;

namespace Souk.Engines.Grammar;

/// <summary>The rules of JSON itself: any string, any value, any object; made once per grammar, where they are
/// needed.</summary>
internal sealed class ValueRules(GrammarBuilder builder)
{
    private static readonly ByteAutomaton PlainText = Plain();
    private int? any;
    private int? anyObject;

    /// <summary>The bytes between the quotes of any string. Escapes of surrogates are left out, since other
    /// characters than those of the basic plane are written as they are.</summary>
    public static ByteAutomaton Text => PlainText;

    /// <summary>A rule for any value.</summary>
    public int Any()
    {
        if (any is { } known)
        {
            return known;
        }

        int rule = builder.NewRule();
        any = rule;
        int end = builder.Return(rule);
        int[] kinds =
        [
            String(0, int.MaxValue), Number(new NumberBounds(false)), Words("true", "false", "null"), AnyObject(),
            Array(rule, 0, int.MaxValue),
        ];
        builder.Begin(rule, builder.Choice(rule, [.. kinds.Select(kind => builder.Call(rule, kind, end))]));
        return rule;
    }

    /// <summary>A rule for any object.</summary>
    public int AnyObject()
    {
        if (anyObject is { } known)
        {
            return known;
        }

        int rule = builder.NewRule();
        anyObject = rule;
        int value = Any();
        var shape = new ObjectShape(builder, rule);
        int keys = shape.AddFurther(Text, value);
        builder.Begin(rule, shape.Open(canClose: true, keys));
        return rule;
    }

    public int String(int least, int most)
    {
        int rule = builder.NewRule(least, most);
        int close = builder.Literal(rule, "\"", builder.Return(rule));
        bool isCounted = least > 0 || most != int.MaxValue;
        builder.Begin(
            rule, builder.Literal(rule, "\"", builder.Automaton(rule, Text, close, isCounted)));
        return rule;
    }

    public int Number(NumberBounds bounds)
    {
        int rule = builder.NewRule();
        builder.Begin(
            rule, builder.Automaton(rule, NumberAutomaton.Of(bounds, builder.Meter), builder.Return(rule)));
        return rule;
    }

    /// <summary>A rule for one of several texts.</summary>
    public int Words(params string[] words)
    {
        int rule = builder.NewRule();
        var texts = ByteAutomaton.OfTexts(words.Select(System.Text.Encoding.UTF8.GetBytes), builder.Meter);
        builder.Begin(rule, builder.Automaton(rule, texts, builder.Return(rule)));
        return rule;
    }

    /// <summary>A rule for an array whose items follow another.</summary>
    public int Array(int item, int least, int most)
    {
        int rule = builder.NewRule(least, most);
        int end = builder.Return(rule);
        int close = builder.Literal(rule, "]", end);
        if (most == 0)
        {
            builder.Begin(rule, builder.Literal(rule, "[", builder.Space(rule, close)));
            return rule;
        }

        // After an item: the end, where there are enough, or a comma and one more.
        int after = builder.Reserve(rule);
        int next = builder.Increment(rule, builder.Call(rule, item, after));
        int more = builder.Literal(rule, ",", builder.Space(rule, next));
        int mostBefore = most == int.MaxValue ? most : most - 1;
        builder.Fill(
            after,
            builder.Guard(rule, least, int.MaxValue, builder.Space(rule, close)),
            builder.Guard(rule, 0, mostBefore, more));
        int first = least == 0 ? builder.Choice(rule, close, next) : next;
        builder.Begin(rule, builder.Literal(rule, "[", builder.Space(rule, first)));
        return rule;
    }

    /// <summary>The text of a JSON string, quotes included, as a grammar writes it.</summary>
    public static string Quote(string text)
    {
        var quoted = new System.Text.StringBuilder("\"");
        foreach (char letter in text)
        {
            quoted.Append(letter switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\b' => "\\b",
                '\t' => "\\t",
                '\n' => "\\n",
                '\f' => "\\f",
                '\r' => "\\r",
                < ' ' => $"\\u{(int)letter:x4}",
                _ => letter.ToString(),
            });
        }

        return quoted.Append('"').ToString();
    }

    /// <summary>The text of a constant without any white space.</summary>
    public static string Write(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => Quote(value.GetString()!),
        JsonValueKind.Array => "[" + string.Join(",", value.EnumerateArray().Select(Write)) + "]",
        JsonValueKind.Object => "{" + string.Join(
            ",", value.EnumerateObject().Select(pair => Quote(pair.Name) + ":" + Write(pair.Value))) + "}",
        _ => value.GetRawText(),
    };

    // Inside a character, what is still to come: continuation bytes, the first of which some leads narrow.
    private enum Inside
    {
        None,
        One,
        Two,
        TwoHigh,
        TwoLow,
        Three,
        ThreeHigh,
        ThreeLow,
        Escape,
        Hex4,
        Hex3,
        Hex3Low,
        Hex2,
        Hex1,
    }

    private static ByteAutomaton Plain()
    {
        var walked = ByteAutomaton.Explore(
            Inside.None, Next, state => state == Inside.None, new WorkMeter(long.MaxValue));

        // Exploring keeps no boundaries, so the states are taken over with theirs: only the first one is complete.
        ByteEdge[][] edges = [.. Enumerable.Range(0, walked.States).Select(walked.EdgesOf)];
        bool[] isFirst = [.. Enumerable.Range(0, walked.States).Select(state => state == 0)];
        return ByteAutomaton.Trim(edges, isFirst, isFirst);
    }

    private static Inside? Next(Inside state, byte value)
    {
        bool isHex = char.IsAsciiHexDigit((char)value);
        return state switch
        {
            Inside.None => Lead(value),
            Inside.One => Continues(value, 0x80, 0xBF, Inside.None),
            Inside.Two => Continues(value, 0x80, 0xBF, Inside.One),
            Inside.TwoHigh => Continues(value, 0xA0, 0xBF, Inside.One),
            Inside.TwoLow => Continues(value, 0x80, 0x9F, Inside.One),
            Inside.Three => Continues(value, 0x80, 0xBF, Inside.Two),
            Inside.ThreeHigh => Continues(value, 0x90, 0xBF, Inside.Two),
            Inside.ThreeLow => Continues(value, 0x80, 0x8F, Inside.Two),
            Inside.Escape => (char)value switch
            {
                '"' or '\\' or '/' or 'b' or 'f' or 'n' or 'r' or 't' => Inside.None,
                'u' => Inside.Hex4,
                _ => null,
            },
            Inside.Hex4 => !isHex ? null : value is (byte)'d' or (byte)'D' ? Inside.Hex3Low : Inside.Hex3,
            Inside.Hex3 => isHex ? Inside.Hex2 : null,
            Inside.Hex3Low => value is >= (byte)'0' and <= (byte)'7' ? Inside.Hex2 : null,
            Inside.Hex2 => isHex ? Inside.Hex1 : null,
            _ => isHex ? Inside.None : null,
        };
    }

    private static Inside? Lead(byte value) => value switch
    {
        (byte)'"' or < 0x20 => null,
        (byte)'\\' => Inside.Escape,
        < 0x80 => Inside.None,
        >= 0xC2 and <= 0xDF => Inside.One,
        0xE0 => Inside.TwoHigh,
        0xED => Inside.TwoLow,
        >= 0xE1 and <= 0xEF => Inside.Two,
        0xF0 => Inside.ThreeHigh,
        >= 0xF1 and <= 0xF3 => Inside.Three,
        0xF4 => Inside.ThreeLow,
        _ => null,
    };

    private static Inside? Continues(byte value, byte low, byte high, Inside then) =>
        value >= low && value <= high ? then : null;
}
