namespace Souk.OpenAi.Templates;

/// <summary>How a statement ended: whether the innermost loop goes on.</summary>
internal enum Flow
{
    Next,
    Break,
    Continue,
}

/// <summary>A part of a template. Immutable.</summary>
internal abstract class Statement
{
    internal Flow Run(RenderState state, Scope scope)
    {
        state.Step();
        return Execute(state, scope);
    }

    protected abstract Flow Execute(RenderState state, Scope scope);
}

internal sealed class TextStatement(string text) : Statement
{
    protected override Flow Execute(RenderState state, Scope scope)
    {
        state.Write(text);
        return Flow.Next;
    }
}

internal sealed class OutputStatement(Expression expression) : Statement
{
    protected override Flow Execute(RenderState state, Scope scope)
    {
        state.Write(Values.Print(expression.Evaluate(state, scope)));
        return Flow.Next;
    }
}

internal sealed class Sequence(IReadOnlyList<Statement> statements) : Statement
{
    protected override Flow Execute(RenderState state, Scope scope)
    {
        foreach (var statement in statements)
        {
            if (statement.Run(state, scope) is var flow and not Flow.Next)
            {
                return flow;
            }
        }

        return Flow.Next;
    }
}

internal sealed class IfStatement(
    IReadOnlyList<(Expression Test, Statement Body)> branches, Statement? otherwise) : Statement
{
    protected override Flow Execute(RenderState state, Scope scope)
    {
        foreach (var (test, body) in branches)
        {
            if (Values.IsTrue(test.Evaluate(state, scope)))
            {
                return body.Run(state, scope);
            }
        }

        return otherwise?.Run(state, scope) ?? Flow.Next;
    }
}

internal sealed class JumpStatement(Flow flow) : Statement
{
    protected override Flow Execute(RenderState state, Scope scope) => flow;
}

/// <summary>The left side of an assignment or the variable of a loop: a name, several names, or ns.name.</summary>
internal sealed class Target(IReadOnlyList<string> names, string? attribute)
{
    internal void Assign(Scope scope, object? value)
    {
        if (attribute is not null)
        {
            if (scope.Get(names[0]) is not Namespace space)
            {
                throw new RenderFailure($"the chat template sets an attribute of '{names[0]}', which is no namespace");
            }

            space.Values[attribute] = value;
        }
        else if (names.Count == 1)
        {
            scope.Set(names[0], value);
        }
        else
        {
            if (value is not List<object?> list || list.Count != names.Count)
            {
                throw new RenderFailure($"the chat template unpacks {Values.NameOf(value)} into {names.Count} names");
            }

            for (var i = 0; i < names.Count; i++)
            {
                scope.Set(names[i], list[i]);
            }
        }
    }
}

internal sealed class SetStatement(Target target, Expression value) : Statement
{
    protected override Flow Execute(RenderState state, Scope scope)
    {
        target.Assign(scope, value.Evaluate(state, scope));
        return Flow.Next;
    }
}

internal sealed class SetBlockStatement(Target target, Statement body) : Statement
{
    protected override Flow Execute(RenderState state, Scope scope)
    {
        var text = state.Capture(() => body.Run(state, new Scope(scope)));
        target.Assign(scope, text);
        return Flow.Next;
    }
}

/// <summary>The variable <c>loop</c>.</summary>
internal sealed class LoopState(List<object?> items)
{
    internal int Index0 { get; set; }

    internal object? Get(string name) => name switch
    {
        "index" => Index0 + 1L,
        "index0" => (long)Index0,
        "first" => Index0 == 0,
        "last" => Index0 == items.Count - 1,
        "length" => (long)items.Count,
        "revindex" => (long)(items.Count - Index0),
        "revindex0" => (long)(items.Count - Index0 - 1),
        "previtem" => Index0 > 0 ? items[Index0 - 1] : Undefined.Value,
        "nextitem" => Index0 + 1 < items.Count ? items[Index0 + 1] : Undefined.Value,
        "depth" => 1L,
        "depth0" => 0L,
        _ => Undefined.Value,
    };
}

internal sealed class ForStatement(
    Target target, Expression items, Expression? condition, Statement body, Statement? otherwise) : Statement
{
    protected override Flow Execute(RenderState state, Scope scope)
    {
        var all = Arithmetic.Items(state, items.Evaluate(state, scope));
        if (condition is not null)
        {
            all = all.FindAll(item =>
            {
                var trial = new Scope(scope);
                target.Assign(trial, item);
                return Values.IsTrue(condition.Evaluate(state, trial));
            });
        }

        var loop = new LoopState(all);
        for (; loop.Index0 < all.Count; loop.Index0++)
        {
            var inner = new Scope(scope);
            inner.Set("loop", loop);
            target.Assign(inner, all[loop.Index0]);
            if (body.Run(state, inner) == Flow.Break)
            {
                break;
            }
        }

        return all.Count == 0 && otherwise is not null ? otherwise.Run(state, new Scope(scope)) : Flow.Next;
    }
}

internal sealed class MacroStatement(
    string name, IReadOnlyList<(string Name, Expression? Default)> parameters, Statement body) : Statement
{
    protected override Flow Execute(RenderState state, Scope scope)
    {
        scope.Set(name, new Macro(name, parameters, body, scope));
        return Flow.Next;
    }
}

internal sealed class Macro(
    string name, IReadOnlyList<(string Name, Expression? Default)> parameters, Statement body, Scope defined)
{
    internal string Call(RenderState state, CallArguments arguments)
    {
        if (arguments.Positional.Length > parameters.Count
            || arguments.Named.Keys.Exists(key => !parameters.Any(parameter => parameter.Name == key)))
        {
            throw new RenderFailure($"the chat template calls its macro '{name}' with too many arguments");
        }

        var inner = new Scope(defined);
        for (var i = 0; i < parameters.Count; i++)
        {
            var (parameter, otherwise) = parameters[i];
            var isGiven = arguments.TryGet(i, parameter, out var value);
            inner.Set(parameter, isGiven ? value : otherwise is null ? Undefined.Value : otherwise.Evaluate(state,
                inner));
        }

        state.EnterCall();
        var text = state.Capture(() => body.Run(state, inner));
        state.LeaveCall();
        return text;
    }
}
