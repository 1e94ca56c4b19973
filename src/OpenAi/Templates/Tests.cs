using System.Numerics;

namespace Souk.OpenAi.Templates;

/// <summary>The tests after <c>is</c>, under their names in Jinja.</summary>
internal static class Tests
{
    private static readonly Dictionary<string, Test> _all = new(StringComparer.Ordinal)
    {
        ["defined"] = (_, value, _) => value is not Undefined,
        ["undefined"] = (_, value, _) => value is Undefined,
        ["none"] = (_, value, _) => value is null,
        ["string"] = (_, value, _) => value is string,
        ["mapping"] = (_, value, _) => value is Map,
        ["iterable"] = (_, value, _) => value is string or List<object?> or Map or Undefined,
        ["sequence"] = (_, value, _) => value is string or List<object?> or Map or Undefined,
        ["boolean"] = (_, value, _) => value is bool,
        ["true"] = (_, value, _) => value is true,
        ["false"] = (_, value, _) => value is false,
        ["integer"] = (_, value, _) => value is long or BigInteger,
        ["float"] = (_, value, _) => value is double,
        ["number"] = (_, value, _) => value is long or double or bool or BigInteger,
        ["callable"] = (_, value, _) => value is Function or Macro or BoundMethod,
        ["odd"] = (_, value, _) => Whole(value) % 2 != 0,
        ["even"] = (_, value, _) => Whole(value) % 2 == 0,
        ["divisibleby"] = (_, value, args) => args.Integer(0, "num") is { } by && by is not (0 or -1)
            ? Whole(value) % by == 0
            : throw new RenderFailure("the chat template divides by zero"),
        ["lower"] = (state, value, _) => state.Print(value) is var text && text.Any(char.IsLetter)
        && !text.Any(char.IsUpper),
        ["upper"] = (state, value, _) => state.Print(value) is var text && text.Any(char.IsLetter)
        && !text.Any(char.IsLower),
        ["equalto"] = Compares("=="),
        ["eq"] = Compares("=="),
        ["=="] = Compares("=="),
        ["ne"] = Compares("!="),
        ["!="] = Compares("!="),
        ["lt"] = Compares("<"),
        ["lessthan"] = Compares("<"),
        ["le"] = Compares("<="),
        ["gt"] = Compares(">"),
        ["greaterthan"] = Compares(">"),
        ["ge"] = Compares(">="),
        ["in"] = Compares("in"),
    };

    internal static Test? Find(string name) => _all.GetValueOrDefault(name);

    private static Test Compares(string operation) => (state, value, args) =>
        args.TryGet(0, "other", out var other)
            ? Comparison.Holds(state, operation, value, other)
            : throw new RenderFailure("the chat template compares with nothing");

    private static long Whole(object? value) => Values.Integer(value)
        ?? throw new RenderFailure($"the chat template divides {Values.NameOf(value)}");
}
