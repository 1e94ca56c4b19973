using Souk.Wire;

namespace Souk.Gateway.Front;

/// <summary>The answer to HEAD: what GET would say, without the body.</summary>
internal sealed class HeadResponse(IWireResponse inner) : IWireResponse
{
    /// <inheritdoc/>
    public ValueTask StartAsync(int status, WireHeaders headers, CancellationToken cancellation) =>
        inner.StartAsync(status, headers, cancellation);

    /// <inheritdoc/>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation) => ValueTask.CompletedTask;
}
