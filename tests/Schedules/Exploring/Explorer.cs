using System.Diagnostics;
using Microsoft.Coyote;
using Microsoft.Coyote.SystematicTesting;

namespace Souk.Schedules.Exploring;

/// <summary>
/// Runs a scenario under many schedules: half of them random, half by priorities that change a few times. The same seed
/// gives the same schedules. <c>SOUK_SCHEDULES</c> says how many, <c>SOUK_SEED</c> which.
/// </summary>
internal static class Explorer
{
    /// <summary>The explorer runs one scenario at a time: classes that explore are of this collection.</summary>
    public const string OneByOne = "explorer";

    private const int Few = 500;

    /// <summary>No schedule may break the scenario.</summary>
    public static void Passes(string name, Func<Task> scenario)
    {
        var seen = Explore(name, scenario);
        Assert.True(seen.Bugs.Count == 0, string.Join(Environment.NewLine, seen.Bugs));
        Assert.Equal(Schedules(), seen.Explored);
    }

    /// <summary>Some schedule has to break the scenario, which holds a planted mistake, and says so.</summary>
    public static void Finds(string mistake, string name, Func<Task> scenario)
    {
        var seen = Explore(name, scenario);
        Assert.NotEmpty(seen.Bugs);
        Assert.All(seen.Bugs, bug => Assert.Contains(mistake, bug, StringComparison.Ordinal));
    }

    private static int Schedules() => Campaign.Number("SOUK_SCHEDULES") ?? Few;

    private static (int Explored, List<string> Bugs) Explore(string name, Func<Task> scenario)
    {
        var (all, seed) = (Schedules(), Campaign.Number("SOUK_SEED") ?? 1);
        var (explored, steps) = (0, 0);
        List<string> bugs = [];
        var watch = Stopwatch.StartNew();
        foreach (var byPriority in new[] { false, true })
        {
            var some = byPriority ? all - (all / 2) : all / 2;
            var settings = Configuration.Create()
                .WithTestingIterations((uint)some)
                .WithRandomGeneratorSeed((uint)seed)
                .WithMaxSchedulingSteps(5_000)
                .WithFailureOnMaxStepsBoundEnabled()
                .WithPartiallyControlledConcurrencyAllowed(false)
                .WithSystematicFuzzingFallbackEnabled(false)
                .WithTelemetryEnabled(false);
            settings = byPriority ? settings.WithPrioritizationStrategy(isFair: true) : settings.WithRandomStrategy();
            using var engine = TestingEngine.Create(settings, scenario);
            engine.Run();
            var report = engine.TestReport;
            Assert.Empty(report.InternalErrors);
            Assert.Empty(report.UncontrolledInvocations);
            explored += report.NumOfExploredFairPaths + report.NumOfExploredUnfairPaths;
            steps = Math.Max(steps, report.MaxExploredFairSteps);
            bugs.AddRange(report.BugReports);
        }

        Campaign.Report(new
        {
            test = name, commit = Campaign.Commit, seed, schedules = explored, bugs = bugs.Count, steps,
            seconds = Math.Round(watch.Elapsed.TotalSeconds, 1),
        });
        return (explored, bugs);
    }
}
