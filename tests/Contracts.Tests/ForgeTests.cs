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
    public async Task Committed_abi_is_that_of_the_sources()
    {
        var outcome = await Command.RunAsync("node", Command.Folder, "script/export-abi.mjs", "--check");

        Assert.True(outcome.ExitCode == 0, outcome.Said);
    }

    private static Dictionary<(string Suite, string Test), (string Status, string Reason)> Results(Outcome outcome)
    {
        Dictionary<(string Suite, string Test), (string Status, string Reason)> results = [];
        var start = outcome.Output.IndexOf('{', StringComparison.Ordinal);
        if (start < 0)
        {
            return results;
        }

        using var document = JsonDocument.Parse(outcome.Output[start..]);
        foreach (var suite in document.RootElement.EnumerateObject())
        {
            foreach (var test in suite.Value.GetProperty("test_results").EnumerateObject())
            {
                var reason = test.Value.TryGetProperty("reason", out var why) ? why.ToString() : "";
                results[(suite.Name, test.Name)] = (test.Value.GetProperty("status").GetString()!, reason);
            }
        }

        return results;
    }
}
