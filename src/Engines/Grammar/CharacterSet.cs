namespace Souk.Engines.Grammar;

/// <summary>A set of code points as sorted ranges without overlap. Only characters that a string of an answer may
/// hold are ever in it: no halves of surrogate pairs, and no control characters beyond those that JSON writes with a
/// letter.</summary>
internal sealed record CharacterSet(IReadOnlyList<(int Low, int High)> Ranges)
{
    public static CharacterSet All { get; } =
        new([(0x08, 0x0A), (0x0C, 0x0D), (0x20, 0xD7FF), (0xE000, 0x10FFFF)]);

    public static CharacterSet Digits { get; } = Of(('0', '9'));

    public static CharacterSet Word { get; } = Of(('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z'));

    /// <summary>What ECMAScript counts as white space or a line end.</summary>
    public static CharacterSet Blank { get; } = Of(
        (0x09, 0x0A), (0x0C, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029),
        (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF));

    /// <summary>What a dot stands for: all but line ends.</summary>
    public static CharacterSet Dot { get; } =
        Of((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)).Complement;

    public CharacterSet Complement
    {
        get
        {
            List<(int, int)> gaps = [];
            int next = 0;
            foreach (var (low, high) in Ranges)
            {
                gaps.Add((next, low - 1));
                next = high + 1;
            }

            gaps.Add((next, 0x10FFFF));
            return Of([.. gaps]);
        }
    }

    /// <summary>The characters of any ranges, in any order.</summary>
    public static CharacterSet Of(params (int Low, int High)[] ranges)
    {
        List<(int Low, int High)> cut = [];
        foreach (var (low, high) in ranges)
        {
            foreach (var (least, most) in All?.Ranges ?? [(0, 0x10FFFF)])
            {
                if (Math.Max(low, least) <= Math.Min(high, most))
                {
                    cut.Add((Math.Max(low, least), Math.Min(high, most)));
                }
            }
        }

        cut.Sort();
        List<(int Low, int High)> joined = [];
        foreach (var (low, high) in cut)
        {
            if (joined.Count > 0 && low <= joined[^1].High + 1)
            {
                joined[^1] = (joined[^1].Low, Math.Max(high, joined[^1].High));
            }
            else
            {
                joined.Add((low, high));
            }
        }

        return new CharacterSet(joined);
    }
}
