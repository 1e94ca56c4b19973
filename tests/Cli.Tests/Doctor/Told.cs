using Souk.Cli.Doctor;

namespace Souk.Cli.Tests.Doctor;

/// <summary>What a finding says to the person.</summary>
internal static class Told
{
    /// <summary>It is a problem, and both sentences hold these words.</summary>
    public static void Problem(Finding finding, string text, string advice)
    {
        Assert.False(finding.IsOk, finding.Text);
        Assert.Contains(text, finding.Text, StringComparison.Ordinal);
        Assert.Contains(advice, finding.Advice, StringComparison.Ordinal);
        Assert.False(string.IsNullOrWhiteSpace(finding.Advice));
    }

    /// <summary>The finding of that name.</summary>
    public static Finding Of(IEnumerable<Finding> findings, string name) =>
        Assert.Single(findings, finding => finding.Name == name);
}
