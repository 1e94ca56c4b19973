using Souk.Wire;

namespace Souk.Gateway.Front.Idempotency;

/// <summary>A reply as it was sent. <paramref name="Body"/> is null where it was too large to keep.</summary>
internal sealed record KeptReply(int Status, WireHeaders Headers, ReadOnlyMemory<byte>? Body)
{
    /// <summary>True for what a key may have been charged for. All else was refused before any work, or cost
    /// nothing, and may be tried again under the same key.</summary>
    public bool IsFinal => Status is >= 200 and < 300 || Headers["x-should-retry"] == "false";

    /// <summary>Sends it once more, the same status and the same bytes.</summary>
    public async Task ReplayAsync(IWireResponse response, CancellationToken cancellation)
    {
        WireHeaders headers = new(Headers.Count + 1);
        // What was left of a limit then says nothing about now.
        foreach (var (name, value) in Headers.Where(
            header => !header.Key.StartsWith("x-ratelimit-", StringComparison.OrdinalIgnoreCase)))
        {
            headers.Add(name, value);
        }

        headers["idempotent-replayed"] = "true";
        await response.StartAsync(Status, headers, cancellation);
        if (Body is { IsEmpty: false } body)
        {
            await response.WriteAsync(body, cancellation);
        }
    }
}
