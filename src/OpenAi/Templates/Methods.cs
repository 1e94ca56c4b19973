namespace Souk.OpenAi.Templates;

/// <summary>The methods of strings and mappings that templates may call.</summary>
internal static class Methods
{
    private static readonly HashSet<string> _text =
    [
        "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "startswith", "endswith", "title", "upper",
        "lower", "capitalize", "replace", "join", "find", "count", "isdigit", "isspace", "removeprefix", "removesuffix",
    ];

    private static readonly HashSet<string> _map = ["items", "keys", "values", "get"];

    /// <summary>Python's other dict methods, which a sandbox forbids; their names shadow keys all the same.</summary>
    private static readonly HashSet<string> _forbidden =
        ["pop", "update", "copy", "setdefault", "clear", "popitem", "fromkeys"];

    internal static bool IsKnown(string name) => _text.Contains(name) || _map.Contains(name) || name == "cycle";

    internal static bool IsMapMethod(string name) => _map.Contains(name) || _forbidden.Contains(name);

    internal static object? Call(RenderState state, object? target, string name, CallArguments arguments)
    {
        switch (target)
        {
            case string text when _text.Contains(name):
                state.Step(1 + (text.Length / 64));
                return OfText(state, text, name, arguments);
            case Map map when _map.Contains(name):
                state.Step(1 + map.Count);
                return OfMap(map, name, arguments);
            case LoopState loop when name == "cycle" && arguments.Positional.Length > 0:
                return arguments.Positional[loop.Index0 % arguments.Positional.Length];
            default:
                throw new RenderFailure($"the chat template calls {name}() of {Values.NameOf(target)}");
        }
    }

    private static object? OfMap(Map map, string name, CallArguments arguments) => name switch
    {
        "items" => map.Keys.ConvertAll<object?>(key => new TupleList([key, map[key]])),
        "keys" => new List<object?>(map.Keys),
        "values" => map.Keys.ConvertAll(key => map[key]),
        _ => arguments.TryGet(0, "key", out var key) && key is string text && map.Has(text) ? map[text]
            : arguments.TryGet(1, "default", out var otherwise) ? otherwise
            : null,
    };

    private static object? OfText(RenderState state, string text, string name, CallArguments arguments)
    {
        switch (name)
        {
            case "split":
                var parts = PythonText.Split(text, arguments.Text(0, "sep"), arguments.Integer(1, "maxsplit") ?? -1);
                state.Step(parts.Count);
                state.Reserve(text.Length);
                return parts;
            case "rsplit":
                return PythonText.SplitFromEnd(
                    text, arguments.RequiredText(0, "sep"), arguments.Integer(1, "maxsplit") ?? -1);
            case "splitlines":
                return PythonText.SplitLines(text);
            case "startswith" or "endswith":
                return Affix(text, name == "startswith", arguments);
            case "find":
                return (long)text.IndexOf(arguments.RequiredText(0, "sub"), StringComparison.Ordinal);
            case "count":
                return Count(text, arguments.RequiredText(0, "sub"));
            case "isdigit":
                return text.Length > 0 && text.All(char.IsDigit);
            case "isspace":
                return text.Length > 0 && text.All(PythonText.IsSpace);
            case "join":
                return Filters.Join(state, arguments.TryGet(0, "iterable", out var items) ? items : null, text,
                    strict: true);
            case "replace":
                return state.Produced(PythonText.Replace(
                    text,
                    arguments.RequiredText(0, "old"),
                    arguments.RequiredText(1, "new"),
                    arguments.Integer(2, "count") ?? -1));
            default:
                return state.Produced(Changed(text, name, arguments));
        }
    }

    private static string Changed(string text, string name, CallArguments arguments) => name switch
    {
        "strip" => PythonText.Strip(text, arguments.Text(0, "chars")),
        "lstrip" => PythonText.StripStart(text, arguments.Text(0, "chars")),
        "rstrip" => PythonText.StripEnd(text, arguments.Text(0, "chars")),
        "title" => PythonText.Title(text),
        "upper" => text.ToUpperInvariant(),
        "lower" => text.ToLowerInvariant(),
        "capitalize" => PythonText.Capitalize(text),
        "removeprefix" => arguments.RequiredText(0, "prefix") is var prefix
            && text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : text,
        _ => arguments.RequiredText(0, "suffix") is var suffix
            && text.EndsWith(suffix, StringComparison.Ordinal) ? text[..^suffix.Length] : text,
    };

    private static bool Affix(string text, bool isStart, CallArguments arguments)
    {
        if (arguments.Count != 1)
        {
            throw new RenderFailure("the chat template gives startswith() or endswith() a position");
        }

        arguments.TryGet(0, "prefix", out var wanted);
        List<object?> affixes = wanted is TupleList several ? several : [wanted];
        return affixes.Exists(affix => affix is string part
            ? (isStart ? text.StartsWith(part, StringComparison.Ordinal) : text.EndsWith(part,
                StringComparison.Ordinal))
            : throw new RenderFailure($"the chat template compares the ends of a string with {Values.NameOf(affix)}"));
    }

    private static long Count(string text, string part)
    {
        if (part.Length == 0)
        {
            return PythonText.Length(text) + 1;
        }

        var count = 0L;
        for (var at = text.IndexOf(part, StringComparison.Ordinal); at >= 0; count++)
        {
            at = text.IndexOf(part, at + part.Length, StringComparison.Ordinal);
        }

        return count;
    }
}
