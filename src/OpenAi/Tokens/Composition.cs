using System.Globalization;
using System.Text;

namespace Souk.OpenAi.Tokens;

/// <summary>
/// Unicode normalization forms C and D (UAX #15). .NET leaves it to ICU, which is absent in invariant mode, and there
/// returns text unchanged; so the algorithm is here, with its data from the Unicode character database in
/// composition.txt.
/// </summary>
internal static class Composition
{
    // Hangul syllables are computed, as in chapter 3.12 of the Unicode standard.
    private const int SyllableBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TrailBase = 0x11A7;
    private const int Leads = 19, Vowels = 21, Trails = 28, Syllables = Leads * Vowels * Trails;

    private static readonly Dictionary<int, byte> _classes = [];
    private static readonly Dictionary<int, (int First, int Second)> _decompositions = [];
    private static readonly Dictionary<(int First, int Second), int> _composites = [];

#pragma warning disable CA1810 // The three tables are read in one pass over the resource.
    static Composition()
    {
        using var stream = typeof(Composition).Assembly.GetManifestResourceStream("composition.txt")
            ?? throw new InvalidOperationException("The resource composition.txt is missing.");
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            var fields = line.Split(' ');
            switch (fields[0])
            {
                case "C":
                    for (var code = Hex(fields[2]); code <= Hex(fields[3]); code++)
                    {
                        _classes[code] = byte.Parse(fields[1], CultureInfo.InvariantCulture);
                    }

                    break;
                case "D" or "X":
                    var pair = (Hex(fields[2]), fields.Length > 3 ? Hex(fields[3]) : 0);
                    _decompositions[Hex(fields[1])] = pair;
                    if (fields[0] == "D")
                    {
                        _composites[pair] = Hex(fields[1]);
                    }

                    break;
            }
        }
    }
#pragma warning restore CA1810

    /// <summary>The text in form C. Half surrogate pairs become U+FFFD, as they would in UTF-8.</summary>
    internal static string Compose(string text)
    {
        // Nothing below U+0300 combines or decomposes to anything but what form C makes of it again.
        if (text.AsSpan().IndexOfAnyInRange('\u0300', '\uFFFF') < 0)
        {
            return text;
        }

        var runes = Decomposed(text);
        Combine(runes);
        return Join(runes);
    }

    /// <summary>The text in form D. Half surrogate pairs become U+FFFD, as they would in UTF-8.</summary>
    internal static string Decompose(string text) =>
        text.AsSpan().IndexOfAnyInRange('\u00C0', '\uFFFF') < 0 ? text : Join(Decomposed(text));

    private static List<int> Decomposed(string text)
    {
        var runes = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            Decompose(rune.Value, runes);
        }

        Order(runes);
        return runes;
    }

    private static string Join(List<int> runes)
    {
        var result = new StringBuilder(runes.Count);
        Span<char> units = stackalloc char[2];
        foreach (var rune in runes)
        {
            result.Append(units[..new Rune(rune).EncodeToUtf16(units)]);
        }

        return result.ToString();
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.AllowHexSpecifier,
        CultureInfo.InvariantCulture);

    private static byte ClassOf(int code) => code < 0x300 ? (byte)0 : _classes.GetValueOrDefault(code);

    private static void Decompose(int code, List<int> output)
    {
        var syllable = code - SyllableBase;
        if (syllable is >= 0 and < Syllables)
        {
            output.Add(LeadBase + (syllable / (Vowels * Trails)));
            output.Add(VowelBase + (syllable % (Vowels * Trails) / Trails));
            if (syllable % Trails != 0)
            {
                output.Add(TrailBase + (syllable % Trails));
            }
        }
        else if (code >= 0xC0 && _decompositions.TryGetValue(code, out var parts))
        {
            // Only the first part can decompose further.
            Decompose(parts.First, output);
            if (parts.Second != 0)
            {
                output.Add(parts.Second);
            }
        }
        else
        {
            output.Add(code);
        }
    }

    /// <summary>Sorts each run of combining characters by class, keeping the order of equals.</summary>
    private static void Order(List<int> runes)
    {
        for (var start = 0; start < runes.Count; start++)
        {
            if (ClassOf(runes[start]) == 0)
            {
                continue;
            }

            var end = start + 1;
            while (end < runes.Count && ClassOf(runes[end]) != 0)
            {
                end++;
            }

            if (end - start > 1)
            {
                var sorted = runes.GetRange(start, end - start).OrderBy(ClassOf).ToList();
                for (var i = 0; i < sorted.Count; i++)
                {
                    runes[start + i] = sorted[i];
                }
            }

            start = end;
        }
    }

    private static void Combine(List<int> runes)
    {
        var starter = -1;
        var lastClass = 0;
        var kept = 0;
        foreach (var rune in runes.ToArray())
        {
            var combining = ClassOf(rune);
            var isBlocked = starter < 0 || (kept > starter + 1 && (lastClass >= combining || lastClass == 0));
            if (!isBlocked && Pair(runes[starter], rune) is { } composite)
            {
                runes[starter] = composite;
                continue;
            }

            if (combining == 0)
            {
                starter = kept;
            }

            lastClass = combining;
            runes[kept++] = rune;
        }

        runes.RemoveRange(kept, runes.Count - kept);
    }

    private static int? Pair(int first, int second)
    {
        if (first is >= LeadBase and < LeadBase + Leads && second is >= VowelBase and < VowelBase + Vowels)
        {
            return SyllableBase + ((((first - LeadBase) * Vowels) + second - VowelBase) * Trails);
        }

        if (first - SyllableBase is >= 0 and < Syllables && (first - SyllableBase) % Trails == 0
            && second is > TrailBase and < TrailBase + Trails)
        {
            return first + second - TrailBase;
        }

        return _composites.TryGetValue((first, second), out var composite) ? composite : null;
    }
}
