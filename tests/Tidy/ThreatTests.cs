using System.Text.RegularExpressions;

namespace Souk.Tidy;

public sealed partial class ThreatTests
{
    /// <summary>A page of threats that names a test which is gone says more than is shown.</summary>
    [Fact]
    public void Tests_that_threats_name_are_there()
    {
        var tests = string.Join('\n', Repository.Files
            .Where(file => Repository.IsUnder(file, "tests/", "contracts/test/")
                && Path.GetExtension(file) is ".cs" or ".sol"
                    && !file.EndsWith("ThreatTests.cs", StringComparison.Ordinal))
            .Select(Repository.Read));
        var pages = Repository.Files.Where(file => Path.GetFileName(file) is "threats.md" or "THREATS.md").ToList();
        Assert.Contains("docs/threats.md", pages);
        var names = pages.SelectMany(page => TestName().Matches(Repository.Read(page)).Select(match =>
            (Page: page, Name: match.Groups[1].Value))).ToList();
        Assert.True(names.Count > 20);
        Violations.None(names.Where(name => !tests.Contains(name.Name, StringComparison.Ordinal))
            .Select(name => $"{name.Page} names {name.Name}, which no test holds"));
    }

    [GeneratedRegex("`(?:test|invariant)?_?(\\w+_\\w+)`")]
    private static partial Regex TestName();
}
