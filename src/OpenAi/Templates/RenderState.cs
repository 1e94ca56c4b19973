using System.Runtime.CompilerServices;
using System.Text;

namespace Souk.OpenAi.Templates;

/// <summary>
/// One level of variables; a lookup goes outwards, an assignment stays here. Each turn of a loop makes one, so a few
/// variables are kept in an array and only many in a dictionary.
/// </summary>
internal sealed class Scope(Scope? outer)
{
    private const int Few = 6;

    private KeyValuePair<string, object?>[]? _few;
    private int _count;
    private Dictionary<string, object?>? _many;

    private Scope? Outer => outer;

    internal object? Get(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope.TryGet(name, out var value))
            {
                return value;
            }
        }

        return Undefined.Value;
    }

    internal void Set(string name, object? value)
    {
        if (_many is not null)
        {
            _many[name] = value;
            return;
        }

        _few ??= new KeyValuePair<string, object?>[Few];
        var at = 0;
        while (at < _count && _few[at].Key != name)
        {
            at++;
        }

        if (at < Few)
        {
            _few[at] = new(name, value);
            _count = Math.Max(_count, at + 1);
        }
        else
        {
            _many = new(_few, StringComparer.Ordinal) { [name] = value };
        }
    }

    private bool TryGet(string name, out object? value)
    {
        if (_many is not null)
        {
            return _many.TryGetValue(name, out value);
        }

        for (var at = 0; at < _count; at++)
        {
            if (_few![at].Key == name)
            {
                value = _few[at].Value;
                return true;
            }
        }

        value = null;
        return false;
    }
}

/// <summary>What one rendering has used up and written.</summary>
internal sealed class RenderState(TemplateLimits limits)
{
    private const int MaxCalls = 12;

    private int _steps;
    private long _produced;
    private int _calls;

    /// <summary>Where text goes now; macros and block sets put their own builder here for a while.</summary>
    internal StringBuilder Output { get; set; } = new();

    internal TemplateLimits Limits => limits;

    internal void Step(int count = 1)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new RenderFailure("the chat template nests its expressions and macros too deep");
        }

        _steps += Math.Min(count, limits.MaxSteps);
        if (_steps > limits.MaxSteps)
        {
            throw new RenderFailure("the chat template takes too many steps for this request", "prompt_too_complex");
        }
    }

    /// <summary>Counts text before or after it is made; both the output and every intermediate string count.</summary>
    internal string Produced(string text)
    {
        Reserve(text.Length);
        return text;
    }

    internal string Print(object? value) => value is string text ? text : Produced(Values.Print(value));

    internal void Reserve(long length)
    {
        _produced += length;
        if (_produced > limits.MaxOutput)
        {
            throw new RenderFailure("the chat template makes too much text of this request", "prompt_too_complex");
        }
    }

    internal void Write(string text)
    {
        Reserve(text.Length);
        Output.Append(text);
    }

    internal void EnterCall()
    {
        if (++_calls > MaxCalls)
        {
            throw new RenderFailure("the chat template calls its macros too deep");
        }
    }

    internal void LeaveCall() => _calls--;

    /// <summary>The text that an action writes.</summary>
    internal string Capture(Action action)
    {
        var outer = Output;
        Output = new StringBuilder();
        try
        {
            action();
            return Output.ToString();
        }
        finally
        {
            Output = outer;
        }
    }
}
