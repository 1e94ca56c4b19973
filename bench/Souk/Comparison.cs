namespace Souk.Bench;

/// <summary>
/// CPU of this build and of another build's program, in turn in one run, so that what else the machine does falls on
/// both alike. The least of several times counts, since whatever else runs only ever adds.
/// </summary>
internal static class Comparison
{
    private const int Rounds = 12;
    private const int WarmUps = 4;

    private static readonly Scenario[] Scenarios =
    [
        new("requests", "a request of one token", 0, 300, network => network.LoadAsync(300, 1, 2, isStreamed: false)),
        new("answers", "an unstreamed answer of 384 tokens", 0, 40,
            network => network.LoadAsync(40, 384, 4, isStreamed: false)),
        new("tokens", "a token every 5 ms, 16 apps", 5, 32 * 240, network => network.LoadAsync(32, 240, 16)),
    ];

    /// <summary>Compares.</summary>
    /// <param name="other">The other program's path.</param>
    /// <param name="only">The name of one scenario; null for all.</param>
    public static async Task RunAsync(string other, string? only)
    {
        Table.Head($"CPU microseconds, least of {Rounds} times", "gateway", "provider", "both");
        foreach (var scenario in Scenarios.Where(scenario => only is null || scenario.Name == only))
        {
            await CompareAsync(other, scenario);
        }
    }

    private static async Task CompareAsync(string other, Scenario scenario)
    {
        await using var before = await SplitNetwork.StartAsync(scenario.PauseMs, other);
        await using var after = await SplitNetwork.StartAsync(scenario.PauseMs);
        SplitNetwork[] both = [before, after];
        var costs = both.ToDictionary(network => network, _ => new List<(double Gateway, double Provider)>());
        for (var round = -WarmUps; round < Rounds; round++)
        {
            foreach (var network in round % 2 == 0 ? both : [after, before])
            {
                var gateway = ProcessClock.Microseconds(network.Gateway);
                var provider = ProcessClock.Microseconds(network.Provider);
                await scenario.Load(network);
                costs[network].Add((
                    (ProcessClock.Microseconds(network.Gateway) - gateway) / scenario.Count,
                    (ProcessClock.Microseconds(network.Provider) - provider) / scenario.Count));
            }
        }

        foreach (var network in both)
        {
            var counted = costs[network].Skip(WarmUps).ToList();
            var (gateway, provider) = (counted.Min(cost => cost.Gateway), counted.Min(cost => cost.Provider));
            Table.Row($"{scenario.Title}, {(network == after ? "this" : "other")}", gateway, provider,
                gateway + provider);
        }
    }

    /// <summary>A load and what its cost is divided by.</summary>
    private sealed record Scenario(
        string Name, string Title, double PauseMs, int Count, Func<SplitNetwork, Task> Load);
}
