using System.Globalization;
using System.Numerics;
using System.Text;

namespace Souk.OpenAi.Templates;

/// <summary>What a name or attribute that does not exist evaluates to; it prints as nothing and is false.</summary>
internal sealed class Undefined
{
    internal static readonly Undefined Value = new();

    private Undefined()
    {
    }
}

/// <summary>A dictionary in the order of insertion; keys are strings, as JSON and chat templates have them.</summary>
internal sealed class Map : System.Collections.IEnumerable
{
    private readonly Dictionary<string, object?> _values = new(StringComparer.Ordinal);

    internal List<string> Keys { get; } = [];

    internal int Count => Keys.Count;

    internal object? this[string key]
    {
        get => _values.TryGetValue(key, out var value) ? value : Undefined.Value;
        set
        {
            if (_values.TryAdd(key, value))
            {
                Keys.Add(key);
            }
            else
            {
                _values[key] = value;
            }
        }
    }

    internal bool Has(string key) => _values.ContainsKey(key);

    public System.Collections.IEnumerator GetEnumerator() => Keys.GetEnumerator();
}

/// <summary>Jinja's namespace object: the only thing whose attributes a template may set.</summary>
internal sealed class Namespace
{
    internal Map Values { get; } = new();
}

/// <summary>A Python tuple, which only prints differently from a list.</summary>
internal sealed class TupleList : List<object?>
{
    internal TupleList(IEnumerable<object?> items)
        : base(items)
    {
    }
}

/// <summary>
/// Python's rules for truth, equality, order and printing. Values are null (None), bool, long, BigInteger (only from
/// JSON), double, string, List, Map, Namespace, Undefined, or something callable. Recursion is bounded, because a
/// template can nest lists as deep as it likes.
/// </summary>
internal static class Values
{
    private const int MaxNesting = 100;

    /// <summary>Lists that hold one another twice print as a text of exponential length.</summary>
    private const int MaxPrinted = 16 * 1024 * 1024;

    internal static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool flag => flag,
        long number => number != 0,
        double number => number != 0,
        BigInteger number => !number.IsZero,
        string text => text.Length > 0,
        List<object?> list => list.Count > 0,
        Map map => map.Count > 0,
        _ => true,
    };

    internal static bool AreEqual(RenderState state, object? left, object? right, int depth = 0)
    {
        state.Step();
        if (depth > MaxNesting)
        {
            throw new RenderFailure("the chat template compares values that are nested too deep");
        }

        switch (left, right)
        {
            case (string a, string b):
                return string.Equals(a, b, StringComparison.Ordinal);
            case (List<object?> a, List<object?> b):
                return a is TupleList == b is TupleList
                    && a.Count == b.Count
                    && a.Zip(b).All(pair => AreEqual(state, pair.First, pair.Second, depth + 1));
            case (Map a, Map b):
                return a.Count == b.Count
                    && a.Keys.All(key => b.Has(key) && AreEqual(state, a[key], b[key], depth + 1));
            default:
                return Number(left) is { } x && Number(right) is { } y
                    ? left is double || right is double ? x == y : Integer(left) == Integer(right)
                    : ReferenceEquals(left, right) || (left is BigInteger m && right is BigInteger n && m == n);
        }
    }

    internal static int Compare(object? left, object? right)
    {
        if (left is string a && right is string b)
        {
            return string.CompareOrdinal(a, b);
        }

        return Number(left) is { } x && Number(right) is { } y
            ? x.CompareTo(y)
            : throw Unfit("orders", left, right);
    }

    internal static RenderFailure Unfit(string what, object? left, object? right) =>
        new($"the chat template {what} {NameOf(left)} and {NameOf(right)}, which do not fit");

    internal static double? Number(object? value) => value switch
    {
        bool flag => flag ? 1 : 0,
        long number => number,
        double number => number,
        _ => null,
    };

    internal static long? Integer(object? value) => value switch
    {
        bool flag => flag ? 1 : 0,
        long number => number,
        _ => null,
    };

    internal static string NameOf(object? value) => value switch
    {
        null => "None",
        Undefined => "an undefined value",
        bool => "a boolean",
        long or BigInteger => "an integer",
        double => "a float",
        string => "a string",
        List<object?> => "a list",
        Map => "a mapping",
        _ => "an object",
    };

    /// <summary>Python's str().</summary>
    internal static string Print(object? value)
    {
        switch (value)
        {
            case string text:
                return text;
            case Undefined:
                return "";
            default:
                var output = new StringBuilder();
                PrintTo(output, value, 0);
                return output.ToString();
        }
    }

    private static void PrintTo(StringBuilder output, object? value, int depth)
    {
        if (depth > MaxNesting || output.Length > MaxPrinted)
        {
            throw new RenderFailure("the chat template prints a value that is nested too deep or too long");
        }

        switch (value)
        {
            case null:
                output.Append("None");
                break;
            case bool flag:
                output.Append(flag ? "True" : "False");
                break;
            case long number:
                output.Append(number);
                break;
            case BigInteger number:
                output.Append(number.ToString(CultureInfo.InvariantCulture));
                break;
            case double number:
                output.Append(PythonText.OfReal(number));
                break;
            case string text:
                Quote(output, text);
                break;
            case Undefined:
                output.Append("Undefined");
                break;
            case List<object?> list:
                PrintList(output, list, depth);
                break;
            case Map map:
                PrintMap(output, map, depth);
                break;
            default:
                throw new RenderFailure("the chat template prints an object that has no text");
        }
    }

    private static void PrintList(StringBuilder output, List<object?> list, int depth)
    {
        var isTuple = list is TupleList;
        output.Append(isTuple ? '(' : '[');
        for (var i = 0; i < list.Count; i++)
        {
            output.Append(i == 0 ? "" : ", ");
            PrintTo(output, list[i], depth + 1);
        }

        output.Append(isTuple && list.Count == 1 ? "," : "").Append(isTuple ? ')' : ']');
    }

    private static void PrintMap(StringBuilder output, Map map, int depth)
    {
        output.Append('{');
        foreach (var key in map.Keys)
        {
            output.Append(output[^1] == '{' && key == map.Keys[0] ? "" : ", ");
            Quote(output, key);
            output.Append(": ");
            PrintTo(output, map[key], depth + 1);
        }

        output.Append('}');
    }

    /// <summary>repr of a string: single quotes unless only those occur in it.</summary>
    private static void Quote(StringBuilder output, string text)
    {
        var hasSingle = text.Contains('\'', StringComparison.Ordinal);
        var quote = hasSingle && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        output.Append(quote);
        foreach (var character in text)
        {
            _ = character switch
            {
                '\n' => output.Append("\\n"),
                '\r' => output.Append("\\r"),
                '\t' => output.Append("\\t"),
                '\\' => output.Append("\\\\"),
                _ when character == quote => output.Append('\\').Append(quote),
                < ' ' or '\x7f' => output.Append("\\x").Append(((int)character).ToString("x2",
                    CultureInfo.InvariantCulture)),
                _ => output.Append(character),
            };
        }

        output.Append(quote);
    }
}
