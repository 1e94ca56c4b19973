namespace Souk.Bench;

/// <summary>Memory of each role in a process of its own, after a little traffic and half a minute of rest.</summary>
internal static class RestingMemory
{
    private const double Mebibyte = 1 << 20;

    public static async Task RunAsync()
    {
        await using var network = await SplitNetwork.StartAsync(pauseMs: null);
        await network.LoadAsync(answers: 20, tokens: 20, apps: 2);
        await Task.Delay(TimeSpan.FromSeconds(30));
        Table.Head("memory at rest, MiB", "resident");
        Row("indexer", network.Indexer.Use());
        Row("gateway", network.Gateway.Use());
        Row("provider with the demo model", network.Provider.Use());
    }

    private static void Row(string name, Usage usage) =>
        Table.Row(name, usage.ResidentBytes / Mebibyte);
}
