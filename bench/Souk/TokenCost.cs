namespace Souk.Bench;

/// <summary>
/// CPU microseconds per streamed token of gateway and provider, as their own processes count them: the difference between
/// long and short answers, so that what a request costs once is left out. The engine is trivial.
/// </summary>
internal static class TokenCost
{
    private const int Answers = 160;
    private const int Short = 8;
    private const int Long = 456;

    public static async Task RunAsync()
    {
        Table.Head($"CPU microseconds per streamed token (answers of {Long} less {Short} tokens)", "gateway", "provider");
        foreach (var (name, pauseMs, apps) in new[]
        {
            ("as fast as they are taken, 1 app", 0.0, 1), ("as fast as they are taken, 4 apps", 0.0, 4),
            ("a token every 5 ms, 16 apps", 5.0, 16),
        })
        {
            await using var network = await SplitNetwork.StartAsync(pauseMs);
            // Compiled code replaces the first versions meanwhile.
            await network.LoadAsync(Answers, Long, apps);
            var brief = await MeasureAsync(network, Short, apps);
            var whole = await MeasureAsync(network, Long, apps);
            var tokens = (double)Answers * (Long - Short);
            Table.Row(name, (whole.Gateway - brief.Gateway) / tokens, (whole.Provider - brief.Provider) / tokens);
        }

        Table.Row("goal, at most", 25, 25);
    }

    private static async Task<(double Gateway, double Provider)> MeasureAsync(SplitNetwork network, int tokens, int apps)
    {
        var (gateway, provider) = (await network.Gateway.UseAsync(), await network.Provider.UseAsync());
        await network.LoadAsync(Answers, tokens, apps);
        return (
            (await network.Gateway.UseAsync()).CpuMicroseconds - gateway.CpuMicroseconds,
            (await network.Provider.UseAsync()).CpuMicroseconds - provider.CpuMicroseconds);
    }
}
