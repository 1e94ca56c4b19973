using System.Globalization;
using System.Text.Json;

namespace Souk.Contracts.Tests;

/// <summary>The forge suite: one run, each of its tests a row here, so that totals and failures show by name.</summary>
public sealed class ForgeTests
{
    private static readonly Lazy<Task<Outcome>> Run =
        new(() => Command.RunAsync("node", Command.Folder, "script/forge.mjs", "test", "--json"));

    public static async Task<IEnumerable<TheoryDataRow<string, string>>> Suite()
    {
        var rows = Results(await Run.Value)
            .Keys.Select(test => new TheoryDataRow<string, string>(test.Suite, test.Test));
        return [.. rows];
    }

    [Fact]
    public async Task Forge_runs_the_suite()
    {
        var outcome = await Run.Value;

        Assert.True(outcome.ExitCode == 0, outcome.Said);
        Assert.True(Results(outcome).Count >= 200, "The suite has lost tests.");
    }

    [Theory]
    [MemberData(nameof(Suite))]
    public async Task Forge(string suite, string test)
    {
        var result = Results(await Run.Value)[(suite, test)];

        Assert.True(result.Status == "Success", result.Reason);
    }

    [Fact]
    public async Task Gas_is_within_a_hundredth_of_the_committed_snapshot()
    {
        var measured = Tests(await Run.Value)
            .Select(test => (Name: $"{test.Suite.Split(':')[^1]}:{test.Name}", Kind: test.Result.GetProperty("kind")))
            // Fuzz and invariant tests take another amount at every run.
            .Where(test => test.Kind.TryGetProperty("Unit", out _))
            .ToDictionary(test => test.Name, test => test.Kind.GetProperty("Unit").GetProperty("gas").GetInt64());
        var committed = (await File.ReadAllLinesAsync(Path.Combine(Command.Folder, ".gas-snapshot")))
            .Select(line => line.Split(" (gas: ")).Where(parts => parts.Length == 2)
            .ToDictionary(parts => parts[0], parts => Number(parts[1].TrimEnd(')')));

        ExpectSame(committed, measured);
    }

    [Fact]
    public async Task Costs_by_verb_are_within_a_hundredth_of_the_committed_ones()
    {
        var measured = Tests(await Run.Value)
            .Where(test => test.Result.TryGetProperty("gas_snapshots", out _))
            .SelectMany(test => test.Result.GetProperty("gas_snapshots").EnumerateObject())
            .SelectMany(group => group.Value.EnumerateObject().Select(cost => (group.Name, cost)))
            .ToDictionary(row => $"{row.Name}: {row.cost.Name}", row => Number(row.cost.Value.GetString()!));
        Dictionary<string, long> committed = [];
        foreach (var path in Directory.GetFiles(Path.Combine(Command.Folder, "snapshots"), "*.json"))
        {
            using var document = JsonDocument.Parse(await File.ReadAllTextAsync(path));
            foreach (var cost in document.RootElement.EnumerateObject())
            {
                committed[$"{Path.GetFileNameWithoutExtension(path)}: {cost.Name}"] = Number(cost.Value.GetString()!);
            }
        }

        ExpectSame(committed, measured);
    }

    /// <summary>A fixed sample of `npm run invariants`.</summary>
    [Fact]
    public async Task Invariants_hold_and_their_handlers_take_every_branch()
    {
        await Run.Value;
        var outcome = await Command.RunAsync(
            "node", Command.Folder, "script/invariants.mjs", "--calls", "15000", "--runs", "10", "--depth", "500",
            "--results", "cache/invariants-sample.jsonl");

        Assert.True(outcome.ExitCode == 0, outcome.Said);
    }

    /// <summary>A fixed sample of `npm run mutants`.</summary>
    [Fact]
    public async Task The_suite_kills_a_sample_of_mutants()
    {
        await Run.Value;
        var outcome = await Command.RunAsync(
            "node", Command.Folder, "script/mutate.mjs", "--sample", "6", "--results", "cache/mutants-sample.jsonl");

        Assert.True(outcome.ExitCode == 0, outcome.Said);
    }

    [Fact]
    public async Task The_page_on_gas_shows_the_committed_costs_and_its_goals_hold()
    {
        var outcome = await Command.RunAsync("node", Command.Folder, "script/gas-table.mjs", "--check");

        Assert.True(outcome.ExitCode == 0, outcome.Said);
    }

    [Fact]
    public async Task Committed_abi_is_that_of_the_sources()
    {
        var outcome = await Command.RunAsync("node", Command.Folder, "script/export-abi.mjs", "--check");

        Assert.True(outcome.ExitCode == 0, outcome.Said);
    }

    private static void ExpectSame(Dictionary<string, long> committed, Dictionary<string, long> measured)
    {
        Assert.NotEmpty(committed);
        Assert.Equal(committed.Keys.Order(StringComparer.Ordinal), measured.Keys.Order(StringComparer.Ordinal));
        Assert.All(committed, row => Assert.InRange(
            measured[row.Key], row.Value - (row.Value / 100), row.Value + (row.Value / 100)));
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static Dictionary<(string Suite, string Test), (string Status, string Reason)> Results(Outcome outcome) =>
        Tests(outcome).ToDictionary(
            test => (test.Suite, test.Name),
            test => (
                test.Result.GetProperty("status").GetString()!,
                test.Result.TryGetProperty("reason", out var why) ? why.ToString() : ""));

    private static List<(string Suite, string Name, JsonElement Result)> Tests(Outcome outcome)
    {
        var start = outcome.Output.IndexOf('{', StringComparison.Ordinal);
        if (start < 0)
        {
            return [];
        }

        using var document = JsonDocument.Parse(outcome.Output[start..]);
        return
        [
            .. document.RootElement.Clone().EnumerateObject().SelectMany(suite =>
                suite.Value.GetProperty("test_results").EnumerateObject().Select(test =>
                    (suite.Name, test.Name, test.Value))),
        ];
    }
}
