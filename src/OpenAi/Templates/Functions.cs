using System.Globalization;
using System.Text;

namespace Souk.OpenAi.Templates;

/// <summary>The functions that templates may call.</summary>
internal static class Functions
{
    internal const string Clock = "strftime_now";

    private static readonly Dictionary<string, Function> _all = new(StringComparer.Ordinal)
    {
        ["range"] = Range,
        ["namespace"] = NewNamespace,
        ["dict"] = (_, args) => args.Positional.Length == 0
            ? args.Named
            : throw new RenderFailure("the chat template calls dict() with a place argument"),
        ["raise_exception"] = (_, args) => throw new RenderFailure(
            args.TryGet(0, "message", out var message) ? Values.Print(message) : "the chat template refuses these "
                + "messages",
            "chat_template_raised"),
    };

    internal static bool IsKnown(string name) => _all.ContainsKey(name) || name == Clock;

    internal static void AddTo(Scope scope, TemplateLimits limits)
    {
        foreach (var (name, function) in _all)
        {
            scope.Set(name, function);
        }

        if (limits.Now is { } now)
        {
            Function clock = (_, args) => Format(now, args.RequiredText(0, "format"));
            scope.Set(Clock, clock);
        }
    }

    private static List<object?> Range(RenderState state, CallArguments args)
    {
        long Of(int place) => args.Integer(place, "")
            ?? throw new RenderFailure("the chat template calls range() without a bound");

        var (start, stop) = args.Count == 1 ? (0, Of(0)) : (Of(0), Of(1));
        var step = args.Count > 2 ? Of(2) : 1;
        if (step == 0)
        {
            throw new RenderFailure("the chat template calls range() with step 0");
        }

        var list = new List<object?>();
        for (Int128 i = start; step > 0 ? i < stop : i > stop; i += step)
        {
            state.Step();
            list.Add((long)i);
        }

        return list;
    }

    private static Namespace NewNamespace(RenderState state, CallArguments args)
    {
        var space = new Namespace();
        if (args.Positional is [Map initial])
        {
            foreach (var key in initial.Keys)
            {
                space.Values[key] = initial[key];
            }
        }

        foreach (var key in args.Named.Keys)
        {
            space.Values[key] = args.Named[key];
        }

        return space;
    }

    private static string Format(DateTimeOffset now, string format)
    {
        var text = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }

            var pattern = format[++i] switch
            {
                'd' => "dd",
                'm' => "MM",
                'Y' => "yyyy",
                'y' => "yy",
                'b' => "MMM",
                'B' => "MMMM",
                'a' => "ddd",
                'A' => "dddd",
                'H' => "HH",
                'I' => "hh",
                'M' => "mm",
                'S' => "ss",
                'p' => "tt",
                '%' => "'%'",
                var other => throw new RenderFailure($"the chat template formats time by %{other}"),
            };
            text.Append(now.ToString(pattern, CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }
}
