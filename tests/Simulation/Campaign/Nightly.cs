using System.Diagnostics;
using System.Text.Json;
using Souk.Simulation.World;

namespace Souk.Simulation.Campaign;

/// <summary>One line of a campaign's result file.</summary>
/// <param name="Commit">Of the code under test.</param>
/// <param name="First">First seed.</param>
/// <param name="Seeds">How many seeds, one after the other.</param>
/// <param name="Events">Events in their traces.</param>
/// <param name="Withdrawals">Seeds in which a whole withdrawal was crossed.</param>
/// <param name="Seconds">Wall time since the line before.</param>
/// <param name="Violations">Seeds that failed, each with what may not be.</param>
internal sealed record ResultLine(
    string Commit, ulong First, ulong Seeds, long Events, long Withdrawals, double Seconds, string[] Violations);

/// <summary>Many seeds, on every core, until there are enough events and seeds or the time is over.</summary>
internal static class Nightly
{
    private const ulong Batch = 50;

    public static int Run(Arguments arguments)
    {
        var (events, seeds) = (arguments.Number("--events", 10_000_000), arguments.Number("--seeds", 10_000));
        var minutes = TimeSpan.FromMinutes(arguments.Number("--minutes", 60));
        var workers = (int)arguments.Number("--workers", Environment.ProcessorCount);
        var file = arguments.Text("--result");
        var commit = Commit();
        List<ResultLine> lines = file is not null && arguments.Has("--resume") ? [.. Earlier(file, commit)] : [];
        var clock = Stopwatch.StartNew();
        var next = (ulong)arguments.Number("--first", 1);
        next = lines.Select(line => line.First + line.Seeds).Append(next).Max();
        var guard = new Lock();
        Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers }, _ =>
        {
            while (true)
            {
                ulong first;
                lock (guard)
                {
                    if (clock.Elapsed >= minutes || IsEnough(lines, events, seeds))
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
        return Tell(lines, clock.Elapsed, commit);
    }

    private static bool IsEnough(List<ResultLine> lines, long events, long seeds) =>
        lines.Sum(line => line.Events) >= events && lines.Sum(line => line.Withdrawals) >= seeds;

    private static ResultLine RunBatch(string commit, ulong first)
    {
        var clock = Stopwatch.StartNew();
        var (events, withdrawals) = (0L, 0L);
        List<string> violations = [];
        for (var seed = first; seed < first + Batch; seed++)
        {
            var fate = MarketLife.Live(Script.Of(seed, Omissions.None));
            events += fate.Events;
            withdrawals += fate.Withdrew ? 1 : 0;
            if (fate.Violation is { } violation)
            {
                violations.Add($"{seed}: {violation}");
                var least = Shrinker.Shrink(seed, violation);
                Console.WriteLine($"seed {seed}: {violation}\n  {Replay.Command(seed, least)}");
            }
        }

        return new ResultLine(
            commit, first, Batch, events, withdrawals, clock.Elapsed.TotalSeconds, [.. violations]);
    }

    private static int Tell(List<ResultLine> lines, TimeSpan elapsed, string commit)
    {
        var violations = lines.Sum(line => line.Violations.Length);
        Console.WriteLine(
            $"commit {commit}: {lines.Sum(line => (long)line.Seeds)} seeds, {lines.Sum(line => line.Events)} events, "
            + $"{lines.Sum(line => line.Withdrawals)} whole withdrawals, {violations} violations; "
            + $"this run took {elapsed.TotalMinutes:F1} minutes");
        return violations == 0 ? 0 : 1;
    }

    private static IEnumerable<ResultLine> Earlier(string file, string commit) => File.Exists(file)
        ? File.ReadLines(file).Where(line => line.Length > 0)
            .Select(line => JsonSerializer.Deserialize<ResultLine>(line)!).Where(line => line.Commit == commit)
        : [];

    /// <summary>The commit that is checked out, with a mark where files differ from it.</summary>
    public static string Commit() =>
        Git("rev-parse --short=12 HEAD") + (Git("status --porcelain -uno").Length > 0 ? "+" : "");

    private static string Git(string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("git", arguments)
        {
            RedirectStandardOutput = true,
            WorkingDirectory = Path.GetDirectoryName(typeof(Nightly).Assembly.Location)!,
        })!;
        var text = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        return text;
    }
}
