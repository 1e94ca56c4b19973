namespace Souk.OpenAi.Templates;

/// <summary>A part of an expression. Immutable, so one compiled template serves many renderings at once.</summary>
internal abstract class Expression
{
    internal object? Evaluate(RenderState state, Scope scope)
    {
        state.Step();
        return Compute(state, scope);
    }

    protected abstract object? Compute(RenderState state, Scope scope);
}

internal sealed class Constant(object? value) : Expression
{
    internal object? Value => value;

    protected override object? Compute(RenderState state, Scope scope) => value;
}

internal sealed class Variable(string name) : Expression
{
    internal string Name => name;

    protected override object? Compute(RenderState state, Scope scope) => scope.Get(name);
}

internal sealed class ListLiteral(IReadOnlyList<Expression> items, bool isTuple) : Expression
{
    protected override object? Compute(RenderState state, Scope scope)
    {
        var values = new List<object?>(items.Count);
        foreach (var item in items)
        {
            values.Add(item.Evaluate(state, scope));
        }

        return isTuple ? new TupleList(values) : values;
    }
}

internal sealed class MapLiteral(IReadOnlyList<(Expression Key, Expression Value)> entries) : Expression
{
    protected override object? Compute(RenderState state, Scope scope)
    {
        var map = new Map();
        foreach (var (key, value) in entries)
        {
            var name = key.Evaluate(state, scope) as string
                ?? throw new RenderFailure("the chat template makes a mapping with a key that is no string");
            map[name] = value.Evaluate(state, scope);
        }

        return map;
    }
}

internal sealed class Conditional(Expression test, Expression whenTrue, Expression? whenFalse) : Expression
{
    protected override object? Compute(RenderState state, Scope scope) =>
        Values.IsTrue(test.Evaluate(state, scope)) ? whenTrue.Evaluate(state, scope)
        : whenFalse is null ? Undefined.Value
        : whenFalse.Evaluate(state, scope);
}

/// <summary>and, or: the value that decided, as in Python.</summary>
internal sealed class Logical(Expression left, Expression right, bool isAnd) : Expression
{
    protected override object? Compute(RenderState state, Scope scope)
    {
        var first = left.Evaluate(state, scope);
        return Values.IsTrue(first) == isAnd ? right.Evaluate(state, scope) : first;
    }
}

internal sealed class Not(Expression operand) : Expression
{
    protected override object? Compute(RenderState state, Scope scope) =>
        !Values.IsTrue(operand.Evaluate(state, scope));
}

internal sealed class Unary(Expression operand, bool isMinus) : Expression
{
    protected override object? Compute(RenderState state, Scope scope) => operand.Evaluate(state, scope) switch
    {
        double number => (object)(isMinus ? -number : number),
        var other when Values.Integer(other) is { } number => isMinus ? Arithmetic.Checked(() => -number) : number,
        var other => throw new RenderFailure($"the chat template negates {Values.NameOf(other)}"),
    };
}

internal sealed class Binary(string operation, Expression left, Expression right) : Expression
{
    protected override object? Compute(RenderState state, Scope scope) =>
        Arithmetic.Apply(state, operation, left.Evaluate(state, scope), right.Evaluate(state, scope));
}

/// <summary>A chain of comparisons, a &lt; b &lt; c.</summary>
internal sealed class Comparison(Expression first, IReadOnlyList<(string Operation, Expression Right)> rest)
    : Expression
{
    protected override object? Compute(RenderState state, Scope scope)
    {
        var left = first.Evaluate(state, scope);
        foreach (var (operation, operand) in rest)
        {
            var right = operand.Evaluate(state, scope);
            if (!Holds(state, operation, left, right))
            {
                return false;
            }

            left = right;
        }

        return true;
    }

    internal static bool Holds(RenderState state, string operation, object? left, object? right) => operation switch
    {
        "==" => Values.AreEqual(state, left, right),
        "!=" => !Values.AreEqual(state, left, right),
        "<" => Values.Compare(left, right) < 0,
        "<=" => Values.Compare(left, right) <= 0,
        ">" => Values.Compare(left, right) > 0,
        ">=" => Values.Compare(left, right) >= 0,
        "in" => Arithmetic.Contains(state, right, left),
        _ => !Arithmetic.Contains(state, right, left),
    };
}

internal sealed class FilterCall(Expression operand, Filter filter, Arguments arguments) : Expression
{
    protected override object? Compute(RenderState state, Scope scope)
    {
        var value = operand.Evaluate(state, scope);
        return filter(state, value, arguments.Evaluate(state, scope));
    }
}

internal sealed class TestCall(Expression operand, Test test, Arguments arguments, bool isNegated) : Expression
{
    protected override object? Compute(RenderState state, Scope scope)
    {
        var value = operand.Evaluate(state, scope);
        return test(state, value, arguments.Evaluate(state, scope)) != isNegated;
    }
}
