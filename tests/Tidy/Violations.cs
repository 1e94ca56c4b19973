namespace Souk.Tidy;

/// <summary>Fails with every violation at once, one a line, since whoever reads it wants to mend them all.</summary>
internal static class Violations
{
    public static void None(IEnumerable<string> violations)
    {
        var all = violations.ToList();
        if (all.Count > 0)
        {
            Assert.Fail($"{all.Count} violations:\n" + string.Join('\n', all));
        }
    }
}
