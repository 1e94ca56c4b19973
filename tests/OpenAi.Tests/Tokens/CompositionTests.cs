using System.Globalization;
using System.Text;
using Souk.OpenAi.Tokens;

namespace Souk.OpenAi.Tests.Tokens;

public sealed class CompositionTests
{
    /// <summary>The conformance rules for form C at the head of Unicode's NormalizationTest.txt.</summary>
    [Fact]
    public void Form_C_passes_the_test_of_the_Unicode_consortium()
    {
        var lines = Encoding.UTF8.GetString(TestFiles.Read("vectors", "normalization", "NormalizationTest.txt.gz"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => line[0] != '@')
            .ToArray();
        Assert.True(lines.Length > 19_000);
        foreach (var line in lines)
        {
            var c = line.Split(';').Take(5).Select(Text).ToArray();
            Assert.Equal(c[1], Composition.Compose(c[0]));
            Assert.Equal(c[1], Composition.Compose(c[1]));
            Assert.Equal(c[1], Composition.Compose(c[2]));
            Assert.Equal(c[3], Composition.Compose(c[3]));
            Assert.Equal(c[3], Composition.Compose(c[4]));
        }
    }

    private static string Text(string codes) => string.Concat(codes.Split(' ').Select(
        code => char.ConvertFromUtf32(int.Parse(code, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture))));
}
