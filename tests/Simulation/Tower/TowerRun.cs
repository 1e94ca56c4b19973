using System.Diagnostics;
using System.Text.Json;
using Souk.Simulation.Campaign;

namespace Souk.Simulation.Tower;

/// <summary>One line of the watchtower's result file.</summary>
/// <param name="Commit">Of the code under test.</param>
/// <param name="First">First seed.</param>
/// <param name="Seeds">How many seeds, one after the other.</param>
/// <param name="Closes">Channels closed while the tower held a claim.</param>
/// <param name="Events">Events in their traces.</param>
/// <param name="Reorganisations">How often blocks were replaced.</param>
/// <param name="Crashes">How often the tower was killed.</param>
/// <param name="Seconds">Wall time.</param>
/// <param name="Losses">Seeds in which something was lost, each with how much.</param>
internal sealed record TowerLine(
    string Commit, ulong First, ulong Seeds, long Closes, long Events, long Reorganisations, long Crashes,
    double Seconds, string[] Losses);

/// <summary>Stale closes against a watchtower, until there are enough.</summary>
internal static class TowerRun
{
    private const ulong Batch = 5;

    public static int Run(Arguments arguments)
    {
        var closes = arguments.Number("--closes", 10_000);
        var minutes = TimeSpan.FromMinutes(arguments.Number("--minutes", 60));
        var workers = (int)arguments.Number("--workers", Environment.ProcessorCount);
        var (file, commit) = (arguments.Text("--result"), Nightly.Commit());
        List<TowerLine> lines = file is not null && arguments.Has("--resume") && File.Exists(file)
            ? [.. File.ReadLines(file).Select(line => JsonSerializer.Deserialize<TowerLine>(line)!)
                .Where(line => line.Commit == commit)]
            : [];
        var clock = Stopwatch.StartNew();
        var next = lines.Select(line => line.First + line.Seeds).Append((ulong)arguments.Number("--first", 1)).Max();
        var guard = new Lock();
        Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers }, _ =>
        {
            while (true)
            {
                ulong first;
                lock (guard)
                {
                    if (clock.Elapsed >= minutes || lines.Sum(line => line.Closes) >= closes)
                    {
                        return;
                    }

                    first = next;
                    next += Batch;
                }

                var line = RunBatch(commit, first);
                lock (guard)
                {
                    lines.Add(line);
                    if (file is not null)
                    {
                        File.AppendAllText(file, JsonSerializer.Serialize(line) + "\n");
                    }
                }
            }
        });
        var losses = lines.Sum(line => line.Losses.Length);
        Console.WriteLine(
            $"commit {commit}: {lines.Sum(line => line.Closes)} stale closes in {lines.Sum(line => (long)line.Seeds)} "
            + $"worlds, {lines.Sum(line => line.Reorganisations)} reorganisations, "
            + $"{lines.Sum(line => line.Crashes)} crashes, {lines.Sum(line => line.Events)} events, {losses} worlds "
            + $"with a loss; this run took {clock.Elapsed.TotalMinutes:F1} minutes");
        return losses == 0 ? 0 : 1;
    }

    /// <summary>Lives one seed again and tells its story.</summary>
    public static int Replay(ulong seed, Arguments arguments)
    {
        using var copy = arguments.Text("--story") is { } file ? new StreamWriter(file) : null;
        var fate = TowerWorld.Live(TowerScript.Of(seed), copy);
        Console.WriteLine(fate.Story);
        Console.WriteLine(
            $"seed {seed}: {fate.Events} events, trace {fate.Trace}, {fate.Closes} closes, "
            + $"violation: {fate.Violation ?? "none"}");
        return fate.Violation is null ? 0 : 1;
    }

    private static TowerLine RunBatch(string commit, ulong first)
    {
        var clock = Stopwatch.StartNew();
        var fates = Enumerable.Range(0, (int)Batch).Select(i => TowerWorld.Live(TowerScript.Of(first + (ulong)i)))
            .ToList();
        string[] losses = [.. fates.Where(fate => fate.Violation is not null)
            .Select(fate => $"{fate.Seed}: {fate.Violation}")];
        foreach (var loss in losses)
        {
            Console.WriteLine($"seed {loss}");
        }

        return new TowerLine(
            commit, first, Batch, fates.Sum(fate => fate.Closes), fates.Sum(fate => fate.Events),
            fates.Sum(fate => fate.Reorganisations), fates.Sum(fate => fate.Crashes), clock.Elapsed.TotalSeconds,
            losses);
    }
}
