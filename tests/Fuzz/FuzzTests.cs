using System.Diagnostics;

namespace Souk.Fuzz;

/// <summary>
/// Nearly right inputs for every parser of peers' bytes: nothing but documented answers, within bounds of time and
/// memory. <c>SOUK_FUZZ</c> sets how many inputs in all, <c>SOUK_SEED</c> the seed, <c>SOUK_RESULTS</c> a file that a
/// line of JSON is added to.
/// </summary>
public sealed class FuzzTests
{
    private const int Few = 60_000;
    private const int FixedSeed = 1;

    // Whatever an error's body says, there is an error to tell.
    private static readonly string[] AlwaysAnswer = ["node errors", "upstream errors"];

    [Fact]
    public async Task Every_parser_of_peers_bytes_answers_as_documented()
    {
        var inputs = Campaign.Number("SOUK_FUZZ") ?? Few;
        var seed = Campaign.Number("SOUK_SEED") ?? FixedSeed;
        var watch = Stopwatch.StartNew();
        var each = (inputs / Targets.All.Count) + 1;
        var hunts = Targets.All.ToDictionary(target => target.Name, target => new Hunt(target, seed));
        await Parallel.ForEachAsync(
            hunts.Values, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount },
            (hunt, stop) =>
            {
                hunt.Run(each, stop);
                return ValueTask.CompletedTask;
            });

        // A hunt that only meets the first check of a parser shows nothing.
        Assert.DoesNotContain(hunts, hunt => hunt.Value.Answers < 2 && !AlwaysAnswer.Contains(hunt.Key));
        Campaign.Report(new
        {
            test = "fuzz", commit = Campaign.Commit, seed, inputs = (long)each * Targets.All.Count,
            taken = hunts.Values.Sum(hunt => hunt.Taken), parsers = Targets.All.Count,
            answers = hunts.Values.Sum(hunt => hunt.Answers), seconds = (int)watch.Elapsed.TotalSeconds,
        });
    }
}
