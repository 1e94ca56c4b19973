namespace Souk.OpenAi.Templates;

internal delegate object? Filter(RenderState state, object? value, CallArguments arguments);

internal delegate bool Test(RenderState state, object? value, CallArguments arguments);

internal delegate object? Function(RenderState state, CallArguments arguments);

/// <summary>Arguments as written in the template.</summary>
internal sealed class Arguments(
    IReadOnlyList<Expression> positional, IReadOnlyList<(string Name, Expression Value)> named)
{
    internal static readonly Arguments None = new([], []);

    internal IReadOnlyList<Expression> Positional => positional;

    internal IReadOnlyList<(string Name, Expression Value)> Named => named;

    internal CallArguments Evaluate(RenderState state, Scope scope)
    {
        if (positional.Count == 0 && named.Count == 0)
        {
            return CallArguments.None;
        }

        var values = new object?[positional.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = positional[i].Evaluate(state, scope);
        }

        var keywords = new Map();
        foreach (var (name, value) in named)
        {
            keywords[name] = value.Evaluate(state, scope);
        }

        return new CallArguments(values, keywords);
    }
}

/// <summary>Evaluated arguments of one call.</summary>
internal sealed record CallArguments(object?[] Positional, Map Named)
{
    internal static readonly CallArguments None = new([], new Map());

    internal int Count => Positional.Length + Named.Count;

    /// <summary>An argument by place or name; false when it was not given.</summary>
    internal bool TryGet(int place, string name, out object? value)
    {
        value = place < Positional.Length ? Positional[place] : Named[name];
        return place < Positional.Length || Named.Has(name);
    }

    internal string? Text(int place, string name)
    {
        if (!TryGet(place, name, out var value) || value is null)
        {
            return null;
        }

        return value as string
            ?? throw new RenderFailure($"the chat template gives {Values.NameOf(value)} where a string belongs");
    }

    internal string RequiredText(int place, string name) =>
        Text(place, name) ?? throw new RenderFailure($"the chat template leaves out the argument '{name}'");

    internal long? Integer(int place, string name)
    {
        if (!TryGet(place, name, out var value) || value is null)
        {
            return null;
        }

        return Values.Integer(value)
            ?? throw new RenderFailure($"the chat template gives {Values.NameOf(value)} where an integer belongs");
    }

    /// <summary>The arguments after the first ones.</summary>
    internal CallArguments Skip(int count) => new(Positional[Math.Min(count, Positional.Length)..], Named);
}
