using System.Text;

namespace Souk.OpenAi.Templates;

/// <summary>Python's operators on template values.</summary>
internal static class Arithmetic
{
    internal static object? Apply(RenderState state, string operation, object? left, object? right)
    {
        switch (operation, left, right)
        {
            case ("~", _, _):
                return state.Produced(state.Print(left) + state.Print(right));
            case ("+", string x, string y):
                state.Reserve((long)x.Length + y.Length);
                return x + y;
            case ("+", List<object?> x, List<object?> y) when x is TupleList == y is TupleList:
                state.Step(x.Count + y.Count);
                return x is TupleList ? new TupleList([.. x, .. y]) : new List<object?>([.. x, .. y]);
            case ("*", string x, _) when Values.Integer(right) is { } count:
                return Repeat(state, x, count);
            case ("*", _, string y) when Values.Integer(left) is { } count:
                return Repeat(state, y, count);
        }

        if (Values.Integer(left) is { } m && Values.Integer(right) is { } n && operation != "/")
        {
            return Whole(operation, m, n);
        }

        return Values.Number(left) is { } p && Values.Number(right) is { } q
            ? Real(operation, p, q)
            : throw Values.Unfit($"applies '{operation}' to", left, right);
    }

    internal static long Checked(Func<long> compute)
    {
        try
        {
            return compute();
        }
        catch (OverflowException)
        {
            throw new RenderFailure("the chat template computes a number beyond 64 bits");
        }
    }

    internal static bool Contains(RenderState state, object? container, object? item)
    {
        switch (container)
        {
            case string text:
                state.Step(1 + (text.Length / 256));
                return item is string part
                    ? text.Contains(part, StringComparison.Ordinal)
                    : throw new RenderFailure($"the chat template looks for {Values.NameOf(item)} in a string");
            case List<object?> list:
                state.Step(1 + list.Count);
                return list.Exists(element => Values.AreEqual(state, element, item));
            case Map map:
                return item is string key && map.Has(key);
            case Undefined:
                return false;
            default:
                throw new RenderFailure($"the chat template looks into {Values.NameOf(container)}");
        }
    }

    /// <summary>The items that a loop or a filter goes through.</summary>
    internal static List<object?> Items(RenderState state, object? value)
    {
        switch (value)
        {
            case List<object?> list:
                state.Step(1 + list.Count);
                return list;
            case Map map:
                state.Step(1 + map.Count);
                return [.. map.Keys];
            case string text:
                state.Step(1 + text.Length);
                return [.. PythonText.Characters(text)];
            case Undefined:
                return [];
            default:
                throw new RenderFailure($"the chat template goes through {Values.NameOf(value)}");
        }
    }

    private static string Repeat(RenderState state, string text, long count)
    {
        if (count <= 0 || text.Length == 0)
        {
            return "";
        }

        state.Reserve(Math.Min(count, int.MaxValue) * text.Length);
        return new StringBuilder().Insert(0, text, (int)count).ToString();
    }

    private static object Whole(string operation, long m, long n)
    {
        if (operation is "//" or "%" && n == 0)
        {
            throw new RenderFailure("the chat template divides by zero");
        }

        return operation switch
        {
            "+" => (object)Checked(() => m + n),
            "-" => Checked(() => m - n),
            "*" => Checked(() => m * n),
            "//" => Checked(() => (m / n) - ((m % n != 0) && ((m < 0) != (n < 0)) ? 1 : 0)),
            "%" => n == -1 ? 0L : Floored(m, n),
            _ => n < 0 ? Math.Pow(m, n) : (object)Checked(() => Power(m, n)),
        };
    }

    private static long Floored(long m, long n)
    {
        var rest = m % n;
        return rest != 0 && (rest < 0) != (n < 0) ? rest + n : rest;
    }

    private static long Power(long m, long n)
    {
        if (m is 0 or 1 or -1)
        {
            return n == 0 ? 1 : m == -1 && n % 2 == 0 ? 1 : m;
        }

        // Every other base overflows within 64 steps.
        var result = 1L;
        for (var i = 0L; i < n; i++)
        {
            result *= m;
        }

        return result;
    }

    private static double Real(string operation, double p, double q)
    {
        if (operation is "/" or "//" or "%" && q == 0)
        {
            throw new RenderFailure("the chat template divides by zero");
        }

        return operation switch
        {
            "+" => p + q,
            "-" => p - q,
            "*" => p * q,
            "/" => p / q,
            "//" => Math.Floor(p / q),
            "%" => p - (Math.Floor(p / q) * q),
            _ => Math.Pow(p, q),
        };
    }
}
