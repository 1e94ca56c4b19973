using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Souk.Simulation.Campaign;
using Souk.Simulation.Tower;
using Souk.Simulation.World;

namespace Souk.Simulation.Planted;

/// <summary>How a planted bug was found.</summary>
/// <param name="Commit">Of the sources that it was planted in.</param>
/// <param name="Bug">Its name.</param>
/// <param name="Needed">Seeds until it was found, from each of several starts; a missing one was not found.</param>
/// <param name="Median">The middle one of them.</param>
/// <param name="Violation">What was seen first.</param>
internal sealed record PlantedLine(string Commit, string Bug, int[] Needed, int Median, string Violation);

/// <summary>The simulator's own test: each planted bug, alone, has to be found within the seeds allowed.</summary>
internal static class PlantedRun
{
    private const int Starts = 5;
    private const ulong Apart = 1_000_000;

    // A seed may fail without the bug too; then the next is taken.
    private const int Finds = 2;

    /// <summary>Builds the copy and hunts every bug, or those named.</summary>
    public static int Run(Arguments arguments)
    {
        var program = arguments.Has("--no-build")
            ? Workshop.Program
            : Workshop.Build();
        var seeds = arguments.Number("--seeds", 2_000);
        var starts = arguments.Number("--starts", Starts);
        var file = arguments.Text("--result");
        var named = arguments.List("--bugs").ToHashSet();
        var commit = Nightly.Commit();
        var done = file is not null && arguments.Has("--resume") && File.Exists(file)
            ? File.ReadLines(file).Select(line => JsonSerializer.Deserialize<PlantedLine>(line)!)
                .Where(line => line.Commit == commit).Select(line => line.Bug).ToHashSet()
            : [];
        var missed = 0;
        var guard = new Lock();
        var bugs = Workshop.Bugs.Where(
            bug => (named.Count == 0 || named.Contains(bug.Name)) && !done.Contains(bug.Name));
        Parallel.ForEach(
            bugs, new ParallelOptions { MaxDegreeOfParallelism = (int)arguments.Number("--workers", 2) }, bug =>
        {
            var line = Hunt(program, bug, seeds, starts, commit);
            lock (guard)
            {
                var isFound = line.Needed.Length == starts;
                missed += isFound ? 0 : 1;
                Console.WriteLine(
                    $"{(isFound ? "found " : "MISSED")} {bug.Name,-24} seeds needed {string.Join(", ", line.Needed)}"
                    + $" (median {line.Median}): {line.Violation}");
                if (file is not null)
                {
                    File.AppendAllText(file, JsonSerializer.Serialize(line) + "\n");
                }
            }
        });
        Console.WriteLine($"{Workshop.Bugs.Count} planted bugs, {missed} missed");
        return missed == 0 ? 0 : 1;
    }

    /// <summary>In the copy: from each start, the first seeds in which something may not be.</summary>
    public static int Hunt(Arguments arguments)
    {
        for (ulong start = 1; start <= (ulong)arguments.Number("--starts", Starts); start++)
        {
            var found = 0;
            for (var i = 0UL; i < (ulong)arguments.Number("--seeds", 2_000) && found < Finds; i++)
            {
                if (Violation((start * Apart) + i, arguments.Has("--towers")) is { } violation)
                {
                    Console.WriteLine($"{start} {i} {violation}");
                    found++;
                }
            }
        }

        return 0;
    }

    private static PlantedLine Hunt(string program, PlantedBug bug, long seeds, long starts, string commit)
    {
        var start = new ProcessStartInfo("dotnet",
        [
            program, "hunt", "--seeds", Text(seeds), "--starts", Text(starts), .. bug.IsTowers ? ["--towers"]
                : (string[])[],
        ])
        {
            RedirectStandardOutput = true,
        };
        var (name, value) = Workshop.On(bug.Name);
        start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var found = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ', 3)).Where(line => IsThePlantedBugs(line, bug)).DistinctBy(line => line[0])
                .ToList();
        process.WaitForExit();
        int[] needed = [.. found.Select(line => 1 + int.Parse(line[1], CultureInfo.InvariantCulture))];
        return new PlantedLine(
            commit, bug.Name, needed, needed.Order().ElementAtOrDefault(needed.Length / 2),
            found.FirstOrDefault()?[2] ?? "nothing");
    }

    // What fails without the bug as well was not found by it.
    private static bool IsThePlantedBugs(string[] found, PlantedBug bug) => Violation(
        (ulong.Parse(found[0], CultureInfo.InvariantCulture) * Apart)
        + ulong.Parse(found[1], CultureInfo.InvariantCulture), bug.IsTowers) is null;

    private static string? Violation(ulong seed, bool isTowers) => isTowers
        ? TowerWorld.Live(TowerScript.Of(seed)).Violation
        : MarketLife.Live(Script.Of(seed, Omissions.None)).Violation;

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
