using System.Text;
using CsCheck;
using Souk.OpenAi.Tokens;

namespace Souk.OpenAi.Tests.Tokens;

public sealed class StopMatcherTests
{
    [Fact]
    public void A_stop_string_across_pieces_is_cut_off_whole()
    {
        var matcher = new StopMatcher(["END"]);

        Assert.Equal(new StopResult("abc", false, null), matcher.Push("abcE"));
        Assert.Equal(new StopResult("", false, null), matcher.Push("N"));
        Assert.Equal("EN", matcher.Withheld);
        Assert.Equal(new StopResult("", true, "END"), matcher.Push("Dxyz"));
        Assert.Equal("ENDxyz", matcher.Withheld);
        Assert.True(matcher.IsStopped);
        Assert.Equal("", matcher.Push("more").Text);
        Assert.Equal("", matcher.Flush());
    }

    [Fact]
    public void Withheld_text_that_was_no_stop_string_comes_out()
    {
        var matcher = new StopMatcher(["</s>", "\n\n"]);

        Assert.Equal("a", matcher.Push("a<").Text);
        Assert.Equal("<b", matcher.Push("b\n").Text);
        Assert.Equal("\n", matcher.Flush());
        Assert.False(matcher.IsStopped);
    }

    [Fact]
    public void Without_stop_strings_text_passes_at_once()
    {
        var matcher = new StopMatcher([]);

        Assert.Equal("abc", matcher.Push("abc").Text);
        Assert.Equal("", matcher.Withheld);
    }

    [Fact]
    public void The_result_is_that_of_reading_one_character_after_another()
    {
        var piece = Gen.Char["ab"].Array[0, 4].Select(characters => new string(characters));
        var stop = Gen.Char["ab"].Array[1, 4].Select(characters => new string(characters));
        Gen.Select(piece.Array[0, 8], stop.Array[0, 4]).Sample((pieces, stops) =>
        {
            var matcher = new StopMatcher(stops);
            var output = new StringBuilder();
            foreach (var each in pieces)
            {
                output.Append(matcher.Push(each).Text);
            }

            output.Append(matcher.Flush());
            Assert.Equal(Expected(string.Concat(pieces), stops), output.ToString());
        });
    }

    /// <summary>The definition, told without pieces: the first place at which some stop string ends.</summary>
    private static string Expected(string text, string[] stops)
    {
        for (var end = 0; end <= text.Length; end++)
        {
            var met = stops.Where(s => text[..end].EndsWith(s, StringComparison.Ordinal)).MaxBy(s => s.Length);
            if (met is not null)
            {
                return text[..(end - met.Length)];
            }
        }

        return text;
    }
}
