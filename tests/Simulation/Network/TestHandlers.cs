using System.Text;
using Souk.Wire;

namespace Souk.Simulation.Network;

/// <summary>A handler from a function.</summary>
internal sealed class Handler(Func<WireRequest, IWireResponse, CancellationToken, Task> handle) : IWireHandler
{
    public Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted) =>
        handle(request, response, aborted);
}

internal static class TestHandlers
{
    public static readonly Uri Somewhere = new("http://127.0.0.1:1001");

    /// <summary>Counts upwards, one number per piece, until <paramref name="most"/>.</summary>
    public static Handler Counter(TimeProvider time, int most, TimeSpan pause) => new(async (_, response, aborted) =>
    {
        await response.StartAsync(200, [], aborted);
        for (var i = 0; i < most; i++)
        {
            await Task.Delay(pause, time, aborted);
            await response.WriteAsync(Encoding.ASCII.GetBytes($"{i};"), aborted);
        }
    });

    public static string Numbers(int count) => string.Concat(Enumerable.Range(0, count).Select(i => $"{i};"));

    public static async Task<string> ReadTextAsync(this WireReply reply)
    {
        var text = await reply.ReadAllAsync(1 << 20, CancellationToken.None);
        return Encoding.ASCII.GetString(text.Span);
    }
}
