using Souk.Chain;
using Souk.Protocol;
using Souk.Provider.Claims;

namespace Souk.Provider.Tests.Claims;

public sealed class DryRunTests
{
    private static readonly Refusal Revert = new(Fault.Ours, ChainRefusals.Reverted + "ClaimExceedsBalance", "no");

    [Theory]
    [InlineData(1, "")]
    [InlineData(50, "")]
    [InlineData(1, "0")]
    [InlineData(50, "49")]
    [InlineData(50, "0,17,18,49")]
    [InlineData(3, "0,1,2")]
    public async Task Bad_rows_are_found_and_all_others_pass(int count, string badOnes)
    {
        var bad = badOnes.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse).ToHashSet();
        var tries = 0;

        var trial = await DryRun.SplitAsync([.. Enumerable.Range(0, count)], some =>
        {
            tries++;
            return Task.FromResult(some.Any(bad.Contains) ? Revert : null);
        });

        Assert.Equal(Enumerable.Range(0, count).Where(row => !bad.Contains(row)), trial.Good);
        Assert.Equal(bad.Order(), trial.Bad.Select(one => one.Row));
        Assert.Null(trial.Unanswered);
        Assert.InRange(tries, 1, bad.Count == 0 ? 1 : Math.Min(2 * count, 13 * bad.Count));
    }

    [Fact]
    public async Task Where_no_node_answers_it_ends_at_once()
    {
        var tries = 0;
        var trial = await DryRun.SplitAsync([1, 2, 3, 4], _ => Task.FromResult(
            ++tries == 1 ? Revert : new Refusal(Fault.Nobody, ChainRefusals.Unavailable, "nobody"))!);
        Assert.Equal((2, ChainRefusals.Unavailable), (tries, trial.Unanswered?.Code));
        Assert.Empty(trial.Bad);
    }
}
