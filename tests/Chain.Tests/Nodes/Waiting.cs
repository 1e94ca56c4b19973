namespace Souk.Chain.Tests.Nodes;

/// <summary>Waits for what a real node does in its own time.</summary>
internal static class Waiting
{
    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        for (var look = 0; look < 600; look++)
        {
            if (await condition())
            {
                return;
            }

            await Task.Delay(50);
        }

        Assert.Fail($"Waited 30 s in vain until {what}.");
    }
}
