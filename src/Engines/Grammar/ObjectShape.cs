namespace Souk.Engines.Grammar;

/// <summary>Writes the nodes of one object rule, from its end to its start: properties come in the order in which
/// they are declared, as with OpenAI, then further ones where they are allowed.</summary>
internal sealed class ObjectShape(GrammarBuilder builder, int rule)
{
    private readonly int close = builder.Literal(rule, "}", builder.Return(rule));

    /// <summary>Any number of properties that are not declared.</summary>
    /// <param name="keys">The bytes between the quotes of their names.</param>
    /// <param name="value">The rule of their values.</param>
    /// <returns>The node that reads the first of them.</returns>
    public int AddFurther(ByteAutomaton keys, int value)
    {
        int after = builder.Reserve(rule);
        int key = builder.Literal(rule, "\"", builder.Automaton(
            rule, keys, builder.Literal(rule, "\":", builder.Space(rule, builder.Call(rule, value, after)))));
        builder.Fill(after, builder.Space(rule, close), builder.Literal(rule, ",", builder.Space(rule, key)));
        return key;
    }

    /// <summary>A declared property.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">The rule of its value.</param>
    /// <param name="canClose">Whether the object may end after it.</param>
    /// <param name="following">The node that reads the next property, or null.</param>
    /// <returns>The node that reads it.</returns>
    public int Add(string name, int value, bool canClose, int? following)
    {
        List<int> after = [];
        if (following is { } next)
        {
            after.Add(builder.Literal(rule, ",", builder.Space(rule, next)));
        }

        if (canClose)
        {
            after.Add(builder.Space(rule, close));
        }

        return builder.Literal(
            rule, ValueRules.Quote(name) + ":",
            builder.Space(rule, builder.Call(rule, value, builder.Choice(rule, [.. after]))));
    }

    /// <summary>The start of the object.</summary>
    public int Open(bool canClose, int? first)
    {
        List<int> inside = canClose ? [close] : [];
        if (first is { } key)
        {
            inside.Add(key);
        }

        return builder.Literal(rule, "{", builder.Space(rule, builder.Choice(rule, [.. inside])));
    }
}
