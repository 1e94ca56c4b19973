using Souk.Testbed;

namespace Souk.Simulation.Scheduling;

public sealed class SeededRandomnessTests
{
    [Fact]
    public void The_stream_does_not_depend_on_how_it_is_cut()
    {
        var whole = new byte[200];
        new SeededRandomness(9).Fill(whole);
        var pieces = new byte[200];
        var random = new SeededRandomness(9);
        for (var (at, take) = (0, 1); at < pieces.Length; at += take, take = Math.Min(take + 3, pieces.Length - at))
        {
            random.Fill(pieces.AsSpan(at, take));
        }

        Assert.Equal(whole, pieces);
    }

    [Fact]
    public void Forks_differ_by_label_and_ignore_what_their_parent_has_drawn()
    {
        var fresh = new SeededRandomness(9).Fork("gateway").NextBytes32();
        var used = new SeededRandomness(9);
        used.NextBytes32();

        Assert.Equal(fresh, used.Fork("gateway").NextBytes32());
        Assert.NotEqual(fresh, used.Fork("provider").NextBytes32());
        Assert.NotEqual(fresh, new SeededRandomness(10).Fork("gateway").NextBytes32());
    }

    [Fact]
    public void Probabilities_are_kept()
    {
        var random = new SeededRandomness(3);

        Assert.DoesNotContain(true, Enumerable.Range(0, 1000).Select(_ => random.Happens(0)));
        Assert.DoesNotContain(false, Enumerable.Range(0, 1000).Select(_ => random.Happens(1)));
        Assert.InRange(Enumerable.Range(0, 10_000).Count(_ => random.Happens(0.25)), 2300, 2700);
    }
}
