using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace Souk.OpenAi.Templates;

/// <summary>
/// JSON in and out of template values. Out as Python's json.dumps writes it with ensure_ascii off, which is how
/// Hugging Face defines the filter tojson; models were trained on exactly those blanks.
/// </summary>
internal static class ValueJson
{
    private const int MaxNesting = 100;

    private const int MaxWritten = 16 * 1024 * 1024;

    internal static object? From(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.True or JsonValueKind.False:
                return element.GetBoolean();
            case JsonValueKind.String:
                return element.GetString();
            case JsonValueKind.Number:
                return Number(element);
            case JsonValueKind.Array:
                var list = new List<object?>(element.GetArrayLength());
                foreach (var item in element.EnumerateArray())
                {
                    list.Add(From(item));
                }

                return list;
            case JsonValueKind.Object:
                var map = new Map();
                foreach (var entry in element.EnumerateObject())
                {
                    map[entry.Name] = From(entry.Value);
                }

                return map;
            default:
                return null;
        }
    }

    internal static string Write(object? value, int? indent)
    {
        var output = new StringBuilder();
        Write(output, value, indent, 0);
        return output.ToString();
    }

    private static object Number(JsonElement element)
    {
        if (element.TryGetInt64(out var integer))
        {
            return integer;
        }

        var raw = element.GetRawText();
        if (raw.Length <= 400 && raw.AsSpan().IndexOfAny('.', 'e', 'E') < 0)
        {
            return BigInteger.Parse(raw, CultureInfo.InvariantCulture);
        }

        return element.GetDouble();
    }

    private static void Write(StringBuilder output, object? value, int? indent, int depth)
    {
        if (depth > MaxNesting || output.Length > MaxWritten)
        {
            throw new RenderFailure("the chat template writes JSON that is nested too deep or too long");
        }

        switch (value)
        {
            case null:
                output.Append("null");
                break;
            case bool flag:
                output.Append(flag ? "true" : "false");
                break;
            case string text:
                Quote(output, text);
                break;
            case long or double or BigInteger:
                output.Append(value is double real ? Real(real) : Values.Print(value));
                break;
            case List<object?> list:
                WriteItems(output, '[', ']', list.Count, indent, depth, i => Write(output, list[i], indent, depth + 1));
                break;
            case Map map:
                WriteItems(output, '{', '}', map.Count, indent, depth, i =>
                {
                    Quote(output, map.Keys[i]);
                    output.Append(": ");
                    Write(output, map[map.Keys[i]], indent, depth + 1);
                });
                break;
            default:
                throw new RenderFailure($"the chat template writes {Values.NameOf(value)} as JSON");
        }
    }

    private static string Real(double real) =>
        double.IsNaN(real) ? "NaN"
        : double.IsInfinity(real) ? (real > 0 ? "Infinity" : "-Infinity")
        : PythonText.OfReal(real);

    private static void WriteItems(
        StringBuilder output, char open, char close, int count, int? indent, int depth, Action<int> item)
    {
        output.Append(open);
        for (var i = 0; i < count; i++)
        {
            output.Append(i == 0 ? "" : indent is null ? ", " : ",");
            Break(output, indent, depth + 1);
            item(i);
        }

        if (count > 0)
        {
            Break(output, indent, depth);
        }

        output.Append(close);
    }

    private static void Break(StringBuilder output, int? indent, int depth)
    {
        if (indent is { } width)
        {
            output.Append('\n').Append(' ', Math.Max(0, width) * depth);
        }
    }

    private static void Quote(StringBuilder output, string text)
    {
        output.Append('"');
        foreach (var character in text)
        {
            _ = character switch
            {
                '"' => output.Append("\\\""),
                '\\' => output.Append("\\\\"),
                '\n' => output.Append("\\n"),
                '\r' => output.Append("\\r"),
                '\t' => output.Append("\\t"),
                '\b' => output.Append("\\b"),
                '\f' => output.Append("\\f"),
                < ' ' => output.Append("\\u").Append(((int)character).ToString("x4", CultureInfo.InvariantCulture)),
                _ => output.Append(character),
            };
        }

        output.Append('"');
    }
}
