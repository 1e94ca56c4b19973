using System.Globalization;
using System.Text;

namespace Souk.OpenAi.Tokens;

/// <summary>
/// .NET matches patterns over UTF-16 units and sees two category-less surrogates where Oniguruma sees one letter. So a
/// text with characters beyond U+FFFF is matched through a shadow, in which each of them is one unit of the same
/// general category from a script that no split pattern names.
/// </summary>
internal readonly struct ShadowText
{
    private readonly int[]? _origins;

    private ShadowText(string text, int[]? origins)
    {
        Text = text;
        _origins = origins;
    }

    internal string Text { get; }

    internal static ShadowText Of(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0)
        {
            return new ShadowText(text, null);
        }

        var shadow = new StringBuilder(text.Length);
        var origins = new List<int>(text.Length + 1);
        for (var i = 0; i < text.Length;)
        {
            origins.Add(i);
            var isPair = Rune.TryGetRuneAt(text, i, out var rune);
            if (!isPair)
            {
                // Half a pair becomes U+FFFD in UTF-8, so that is what the pattern must see.
                rune = Rune.ReplacementChar;
            }

            shadow.Append(rune.IsBmp ? (char)rune.Value : StandIn(Rune.GetUnicodeCategory(rune)));
            i += isPair ? rune.Utf16SequenceLength : 1;
        }

        origins.Add(text.Length);
        return new ShadowText(shadow.ToString(), [.. origins]);
    }

    /// <summary>The place in the original text of a place in the shadow.</summary>
    internal int Origin(int index) => _origins is null ? index : _origins[index];

    private static char StandIn(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter => '\u13A0',
        UnicodeCategory.LowercaseLetter => '\u10D0',
        UnicodeCategory.TitlecaseLetter => '\u1F88',
        UnicodeCategory.ModifierLetter => '\u02B0',
        UnicodeCategory.OtherLetter => '\u0905',
        UnicodeCategory.NonSpacingMark => '\u0951',
        UnicodeCategory.SpacingCombiningMark => '\u0903',
        UnicodeCategory.EnclosingMark => '\u0488',
        UnicodeCategory.DecimalDigitNumber => '\u0966',
        UnicodeCategory.LetterNumber => '\u2160',
        UnicodeCategory.OtherNumber => '\u00B2',
        UnicodeCategory.ConnectorPunctuation => '\u203F',
        UnicodeCategory.DashPunctuation => '\u2010',
        UnicodeCategory.OpenPunctuation => '\u2045',
        UnicodeCategory.ClosePunctuation => '\u2046',
        UnicodeCategory.InitialQuotePunctuation => '\u00AB',
        UnicodeCategory.FinalQuotePunctuation => '\u00BB',
        UnicodeCategory.OtherPunctuation => '\u00A1',
        UnicodeCategory.MathSymbol => '\u00B1',
        UnicodeCategory.CurrencySymbol => '\u20A0',
        UnicodeCategory.ModifierSymbol => '\u02C2',
        UnicodeCategory.OtherSymbol => '\u00A9',
        UnicodeCategory.Format => '\u200B',
        UnicodeCategory.PrivateUse => '\uE000',
        _ => '\u0378',
    };
}
