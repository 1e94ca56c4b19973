namespace Souk.Cli.Doctor;

/// <summary>What one check found.</summary>
/// <param name="Name">What was looked at.</param>
/// <param name="IsOk">False for a problem.</param>
/// <param name="Text">What was found.</param>
/// <param name="Advice">What to do about a problem; null where there is nothing to do.</param>
internal sealed record Finding(string Name, bool IsOk, string Text, string? Advice)
{
    public static Finding Ok(string name, string text) => new(name, true, text, null);

    public static Finding Problem(string name, string text, string advice) => new(name, false, text, advice);
}
