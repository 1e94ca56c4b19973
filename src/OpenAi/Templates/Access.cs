namespace Souk.OpenAi.Templates;

/// <summary>
/// A mapping's method as a value, which Jinja gives for <c>x.items</c> even where a key has that name.
/// </summary>
internal sealed class BoundMethod
{
    internal static readonly BoundMethod Value = new();

    private BoundMethod()
    {
    }
}

/// <summary>target.name</summary>
internal sealed class Member(Expression target, string name) : Expression
{
    internal Expression Target => target;

    internal string Name => name;

    protected override object? Compute(RenderState state, Scope scope) => Of(target.Evaluate(state, scope), name);

    internal static object? Of(object? value, string name) => value switch
    {
        Map map => Methods.IsMapMethod(name) ? BoundMethod.Value : map[name],
        Namespace space => space.Values[name],
        LoopState loop => loop.Get(name),
        Undefined => throw new RenderFailure($"the chat template asks an undefined value for '{name}'"),
        _ => Undefined.Value,
    };
}

/// <summary>target[index]</summary>
internal sealed class Index(Expression target, Expression index) : Expression
{
    protected override object? Compute(RenderState state, Scope scope)
    {
        var value = target.Evaluate(state, scope);
        return Of(state, value, index.Evaluate(state, scope));
    }

    internal static object? Of(RenderState state, object? value, object? key)
    {
        switch (value)
        {
            case Map map:
                return key is string name ? map[name] : Undefined.Value;
            case List<object?> list when Values.Integer(key) is { } place:
                return place < -list.Count || place >= list.Count
                    ? Undefined.Value
                    : list[(int)(place < 0 ? place + list.Count : place)];
            case string text when Values.Integer(key) is { } place:
                state.Step(1 + (text.Length / 16));
                var characters = PythonText.Characters(text);
                return place < -characters.Count || place >= characters.Count
                    ? Undefined.Value
                    : characters[(int)(place < 0 ? place + characters.Count : place)];
            case Undefined:
                throw new RenderFailure("the chat template takes an element of an undefined value");
            default:
                return key is string attribute ? Member.Of(value, attribute) : Undefined.Value;
        }
    }
}

/// <summary>target[start:stop:step]</summary>
internal sealed class Slice(Expression target, Expression? start, Expression? stop, Expression? step) : Expression
{
    protected override object? Compute(RenderState state, Scope scope)
    {
        var value = target.Evaluate(state, scope);
        var stride = Bound(step, state, scope) ?? 1;
        var (from, to) = (Bound(start, state, scope), Bound(stop, state, scope));
        if (stride == 0)
        {
            throw new RenderFailure("the chat template slices with step 0");
        }

        switch (value)
        {
            case string text:
                state.Step(1 + (text.Length / 16));
                return state.Produced(string.Concat(Take(PythonText.Characters(text), from, to, stride)));
            case List<object?> list:
                state.Step(1 + list.Count);
                var taken = Take(list, from, to, stride);
                return list is TupleList ? new TupleList(taken) : taken;
            default:
                throw new RenderFailure($"the chat template slices {Values.NameOf(value)}");
        }
    }

    private static long? Bound(Expression? expression, RenderState state, Scope scope)
    {
        var value = expression?.Evaluate(state, scope);
        return value is null ? null
            : Values.Integer(value) ?? throw new RenderFailure("the chat template slices by something that is no "
                + "integer");
    }

    private static List<T> Take<T>(List<T> items, long? start, long? stop, long stride)
    {
        var taken = new List<T>();
        long count = items.Count;
        var isForward = stride > 0;
        var (least, greatest) = isForward ? (0L, count) : (-1L, count - 1);
        var first = start is { } from ? Place(from) : isForward ? 0 : count - 1;
        var last = stop is { } to ? Place(to) : isForward ? count : -1;
        stride = Math.Clamp(stride, -count - 1, count + 1);
        for (var i = first; isForward ? i < last : i > last; i += stride)
        {
            taken.Add(items[(int)i]);
        }

        return taken;

        // A negative bound counts from the end; bounds beyond the ends are drawn in.
        long Place(long bound) => Math.Clamp(bound < 0 ? Math.Max(bound, -count - 1) + count : bound, least, greatest);
    }
}

/// <summary>target.method(arguments)</summary>
internal sealed class MethodCall(Expression target, string name, Arguments arguments) : Expression
{
    protected override object? Compute(RenderState state, Scope scope)
    {
        var value = target.Evaluate(state, scope);
        return Methods.Call(state, value, name, arguments.Evaluate(state, scope));
    }
}

/// <summary>A call of a built-in function or of a macro.</summary>
internal sealed class FunctionCall(string name, Arguments arguments) : Expression
{
    protected override object? Compute(RenderState state, Scope scope)
    {
        var callee = scope.Get(name);
        var evaluated = arguments.Evaluate(state, scope);
        return callee switch
        {
            Function function => function(state, evaluated),
            Macro macro => macro.Call(state, evaluated),
            _ => throw new RenderFailure($"the chat template calls '{name}', which is no function there"),
        };
    }
}
