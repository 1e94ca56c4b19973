using System.Globalization;
using System.Text;

namespace Souk.OpenAi.Templates;

/// <summary>The filters that templates may use, under their names in Jinja.</summary>
internal static class Filters
{
    private static readonly Dictionary<string, Filter> _all = new(StringComparer.Ordinal)
    {
        ["trim"] = (state, value, args) => state.Produced(PythonText.Strip(state.Print(value), args.Text(0, "chars"))),
        ["upper"] = (state, value, _) => state.Produced(state.Print(value).ToUpperInvariant()),
        ["lower"] = (state, value, _) => state.Produced(state.Print(value).ToLowerInvariant()),
        ["capitalize"] = (state, value, _) => state.Produced(PythonText.Capitalize(state.Print(value))),
        ["title"] = (state, value, _) => state.Produced(Title(state.Print(value))),
        ["string"] = (state, value, _) => state.Produced(state.Print(value)),
        ["safe"] = (state, value, _) => state.Produced(state.Print(value)),
        ["length"] = (_, value, _) => Length(value),
        ["count"] = (_, value, _) => Length(value),
        ["join"] = (state, value, args) => JoinFilter(state, value, args),
        ["default"] = Default,
        ["d"] = Default,
        ["tojson"] = ToJson,
        ["list"] = (state, value, _) => new List<object?>(Arithmetic.Items(state, value)),
        ["first"] = (state, value, _) => Arithmetic.Items(state, value) is [var first, ..] ? first : Undefined.Value,
        ["last"] = (state, value, _) => Arithmetic.Items(state, value) is [.., var last] ? last : Undefined.Value,
        ["reverse"] = Reverse,
        ["replace"] = (state, value, args) => state.Produced(PythonText.Replace(
            state.Print(value),
            args.RequiredText(0, "old"),
            args.RequiredText(1, "new"),
            args.Integer(2, "count") ?? -1)),
        ["items"] = (state, value, _) => value is Undefined
            ? new List<object?>()
            : Methods.Call(state, value, "items", CallArguments.None),
        ["dictsort"] = SortedItems,
        ["int"] = (_, value, args) => ToInteger(value, args),
        ["float"] = (_, value, _) => Values.Number(value) ?? ToReal(value),
        ["abs"] = (_, value, _) => value is double real ? (object)Math.Abs(real)
            : Arithmetic.Checked(() => Math.Abs(Values.Integer(value) ?? throw Values.Unfit("takes", value,
                "its size"))),
        ["indent"] = Indent,
        ["map"] = Selection.Map,
        ["selectattr"] = (state, value, args) => Selection.Select(state, value, args, byAttribute: true, keeps: true),
        ["rejectattr"] = (state, value, args) => Selection.Select(state, value, args, byAttribute: true, keeps: false),
        ["select"] = (state, value, args) => Selection.Select(state, value, args, byAttribute: false, keeps: true),
        ["reject"] = (state, value, args) => Selection.Select(state, value, args, byAttribute: false, keeps: false),
    };

    internal static Filter? Find(string name) => _all.GetValueOrDefault(name);

    internal static string Join(RenderState state, object? value, string separator, bool strict)
    {
        var joined = new StringBuilder();
        var isFirst = true;
        foreach (var item in Arithmetic.Items(state, value))
        {
            if (strict && item is not string)
            {
                throw new RenderFailure($"the chat template joins {Values.NameOf(item)}");
            }

            var text = state.Print(item);
            state.Reserve((long)text.Length + separator.Length);
            joined.Append(isFirst ? "" : separator).Append(text);
            isFirst = false;
        }

        return joined.ToString();
    }

    private static string JoinFilter(RenderState state, object? value, CallArguments args)
    {
        var items = Arithmetic.Items(state, value);
        if (args.TryGet(1, "attribute", out var attribute) && attribute is not null)
        {
            items = items.ConvertAll(item => Selection.Attribute(state, item, attribute));
        }

        return Join(state, items, args.Text(0, "d") ?? "", strict: false);
    }

    private static long Length(object? value) => value switch
    {
        string text => (long)PythonText.Length(text),
        List<object?> list => (long)list.Count,
        Map map => (long)map.Count,
        Undefined => 0L,
        _ => throw new RenderFailure($"the chat template takes the length of {Values.NameOf(value)}"),
    };

    private static object? Default(RenderState state, object? value, CallArguments args)
    {
        var replacesFalse = args.TryGet(1, "boolean", out var flag) && Values.IsTrue(flag);
        if (value is not Undefined && (!replacesFalse || Values.IsTrue(value)))
        {
            return value;
        }

        return args.TryGet(0, "default_value", out var otherwise) ? otherwise : "";
    }

    private static string ToJson(RenderState state, object? value, CallArguments args)
    {
        var indent = args.Integer(0, "indent");
        if (indent is < 0 or > 16)
        {
            throw new RenderFailure("the chat template indents JSON by more than 16");
        }

        return state.Produced(ValueJson.Write(value, (int?)indent));
    }

    private static object? Reverse(RenderState state, object? value, CallArguments args)
    {
        var items = new List<object?>(Arithmetic.Items(state, value));
        items.Reverse();
        return value is string ? state.Produced(string.Concat(items)) : items;
    }

    /// <summary>dictsort: by key without regard to case, unless told otherwise.</summary>
    private static List<object?> SortedItems(RenderState state, object? value, CallArguments args)
    {
        if (value is not Map map || args.Count > 0)
        {
            throw new RenderFailure($"the chat template sorts {Values.NameOf(value)} as a mapping, or by options");
        }

        state.Step(map.Count * 16);
        return map.Keys
            .OrderBy(key => key.ToLowerInvariant(), StringComparer.Ordinal)
            .Select(key => (object?)new TupleList([key, map[key]]))
            .ToList();
    }

    private static object ToInteger(object? value, CallArguments args)
    {
        switch (value)
        {
            case double real when Math.Abs(real) < 1L << 62:
                return (long)real;
            case string text when long.TryParse(
                text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var parsed):
                return parsed;
            default:
                return Values.Integer(value) ?? args.Integer(0, "default") ?? 0L;
        }
    }

    private static double ToReal(object? value) =>
        value is string text && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real)
            ? real
            : 0.0;

    private static string Indent(RenderState state, object? value, CallArguments args)
    {
        var pad = args.TryGet(0, "width", out var width) && width is string text
            ? text
            : new string(' ', (int)Math.Clamp(args.Integer(0, "width") ?? 4, 0, 256));
        var alsoFirst = args.TryGet(1, "first", out var first) && Values.IsTrue(first);
        var alsoBlank = args.TryGet(2, "blank", out var blank) && Values.IsTrue(blank);
        var lines = state.Print(value).Split('\n');
        state.Step(lines.Length);
        state.Reserve(((long)pad.Length * lines.Length) + lines.Sum(line => (long)line.Length + 1));
        for (var i = 0; i < lines.Length; i++)
        {
            if (i == 0 ? alsoFirst : alsoBlank || lines[i].Length > 0)
            {
                lines[i] = pad + lines[i];
            }
        }

        return string.Join('\n', lines);
    }

    /// <summary>Jinja's filter starts words after blanks, hyphens and opening brackets only.</summary>
    private static string Title(string text)
    {
        var result = new StringBuilder(text.Length);
        var startsWord = true;
        foreach (var character in text)
        {
            result.Append(startsWord ? char.ToUpperInvariant(character) : char.ToLowerInvariant(character));
            startsWord = PythonText.IsSpace(character) || character is '-' or '(' or '{' or '[' or '<';
        }

        return result.ToString();
    }
}
