namespace Souk.Bench;

/// <summary>
/// CPU microseconds per streamed token of gateway and provider, as their own processes count them: the difference
/// between long and short answers, so that what a request costs once is left out. The upstream is trivial.
/// </summary>
internal static class TokenCost
{
    private const int Answers = 64;
    private const int Short = 8;
    private const int Long = 456;

    public static async Task RunAsync()
    {
        Table.Head($"CPU microseconds per streamed token (answers of {Long} less {Short} tokens)", "gateway",
            "provider");
        foreach (var (name, pauseMs, apps) in new[]
        {
            ("as fast as they are taken, 1 app", 0.0, 1), ("as fast as they are taken, 4 apps", 0.0, 4),
            ("a token every 5 ms, 16 apps", 5.0, 16),
        })
        {
            await using var network = await SplitNetwork.StartAsync(pauseMs);
            var brief = await network.MeasureAsync(() => network.LoadAsync(Answers, Short, apps));
            var whole = await network.MeasureAsync(() => network.LoadAsync(Answers, Long, apps));
            var tokens = (double)Answers * (Long - Short);
            Table.Row(name, (whole.Gateway - brief.Gateway) / tokens, (whole.Provider - brief.Provider) / tokens);
        }

        Table.Row("goal, at most", 25, 25);
    }
}
