namespace Souk.Simulation.Planted;

/// <summary>Every planted bug still has its place in the roles.</summary>
public sealed class PlacesTests
{
    [Fact]
    public void Every_planted_bug_still_has_its_place()
    {
        Dictionary<string, string> texts = [];
        foreach (var bug in Workshop.Bugs)
        {
            foreach (var hunk in bug.Hunks)
            {
                var text = texts.GetValueOrDefault(hunk.File)
                    ?? File.ReadAllText(Path.Combine(Workshop.Root(), hunk.File));
                texts[hunk.File] = Workshop.Apply(text, bug, hunk);
            }
        }

        Assert.True(Workshop.Bugs.Count >= 20);
        Assert.Equal(Workshop.Bugs.Count, Workshop.Bugs.Select(bug => bug.Name).Distinct().Count());
    }
}
