using System.Text;

namespace Souk.OpenAi.Templates;

/// <summary>One level of variables; a lookup goes outwards, an assignment stays here.</summary>
internal sealed class Scope(Scope? outer)
{
    private readonly Dictionary<string, object?> _values = new(StringComparer.Ordinal);

    internal object? Get(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._values.TryGetValue(name, out var value))
            {
                return value;
            }
        }

        return Undefined.Value;
    }

    internal void Set(string name, object? value) => _values[name] = value;

    private Scope? Outer => outer;
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
