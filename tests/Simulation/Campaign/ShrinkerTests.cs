using Souk.Protocol;
using Souk.Simulation.World;

namespace Souk.Simulation.Campaign;

public sealed class ShrinkerTests
{
    [Fact]
    public void The_least_that_still_fails_is_found()
    {
        // A seed with enough of everything; what fails needs one kind, one event and one act.
        var seed = Enumerable.Range(1, 200).Select(number => (ulong)number).First(number =>
            Script.Of(number, Omissions.None) is { Rates.Count: > 6, Events.Count: > 4, Acts.Count: > 4 });
        var whole = Script.Of(seed, Omissions.None);
        var (one, act) = (whole.Events[^1], whole.Acts[1]);
        var kind = whole.Rates.First(rate => rate != one.Kind);

        var least = Shrinker.Shrink(seed, "it fails", script => new Fate(
            seed, 1, Bytes32.Zero, false,
            script.Has(kind) && script.Events.Contains(one) && script.Acts.Any(other => other.Number == act.Number)
                ? "it fails" : null,
            ""));

        var left = Script.Of(seed, least);
        Assert.Equal(new[] { kind, one.Kind }.Order(), left.Rates.Order());
        Assert.Equal([one], left.Events);
        Assert.Equal(act.Number, Assert.Single(left.Acts).Number);
    }

    [Fact]
    public void The_command_names_what_is_left_out()
    {
        var omissions = new Omissions(
            new HashSet<FaultKind> { FaultKind.FeeSpike }, new HashSet<int> { 7, 3 }, new HashSet<int> { 1 });

        Assert.Equal(
            "dotnet run -c Release --project tests/Simulation -- replay 5 --without FeeSpike --skip-events 3,7 "
            + "--skip-acts 1",
            Replay.Command(5, omissions));
    }
}
