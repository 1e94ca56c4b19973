namespace Souk.Protocol.Tests.Primitives;

public class RandomnessTests
{
    private sealed class Counting : Randomness
    {
        private byte _next;

        public override void Fill(Span<byte> destination)
        {
            foreach (ref var cell in destination)
            {
                cell = unchecked(_next++);
            }
        }
    }

    [Fact]
    public void Values_are_the_bytes_drawn()
    {
        var randomness = new Counting();
        Assert.Equal(0x0001020304050607UL, randomness.NextUInt64());
        Assert.Equal("08090a0b0c0d0e0f1011121314151617", randomness.NextRequestId().ToString());
        Assert.StartsWith("0x18191a1b", randomness.NextBytes32().ToString());
    }

    [Fact]
    public void Bounded_draws_stay_below_the_bound()
    {
        var randomness = new Counting();
        var seen = new HashSet<int>();
        for (var i = 0; i < 1000; i++)
        {
            seen.Add(randomness.NextBelow(7));
            Assert.InRange(randomness.NextDouble(), 0, 1 - 1e-16);
        }

        Assert.True(seen.Min() >= 0 && seen.Max() <= 6 && seen.Count > 1);
    }
}
