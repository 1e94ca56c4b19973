using System.Text;
using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Testbed.Market;

/// <summary>
/// A provider that does not play by the rules: a real one stands behind it, and what it says is altered on its way out.
/// </summary>
public sealed class Meddler(IWireHandler inner) : IWireHandler
{
    /// <summary>Answers in the provider's place; false lets the provider answer.</summary>
    public Func<WireRequest, IWireResponse, CancellationToken, Task<bool>>? Instead { get; set; }

    /// <summary>Alters one event of a paid stream, given without its blank line. None drops it.</summary>
    public Func<string, IEnumerable<string>>? OnEvent { get; set; }

    /// <summary>Alters the headers of a paid stream.</summary>
    public Action<WireHeaders>? OnHead { get; set; }

    /// <summary>The connection breaks instead of this event, counted from 0.</summary>
    public int? BreaksAt { get; set; }

    /// <summary>Nothing comes any more from this event on, and the connection stays.</summary>
    public int? StallsAt { get; set; }

    /// <summary>Every paid request that arrived.</summary>
    public List<WireRequest> Paid { get; } = [];

    /// <inheritdoc/>
    public async Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        if (Instead is { } instead && await instead(request, response, aborted))
        {
            return;
        }

        if (request.Path != NodePaths.ChatCompletions)
        {
            await inner.HandleAsync(request, response, aborted);
            return;
        }

        Paid.Add(request);
        var altered = new Altered(this, response, aborted);
        await inner.HandleAsync(request, altered, aborted);
        if (altered.IsBroken)
        {
            throw new IOException("The meddler cut the connection.");
        }
    }

    /// <summary>An alteration of the receipt, signed anew by a key.</summary>
    public static Func<string, IEnumerable<string>> Receipts(
        PrivateKey signer, SoukDomain domain, Func<Receipt, Receipt> change) => text =>
    {
        const string Start = ": souk-receipt ";
        if (!text.StartsWith(Start, StringComparison.Ordinal))
        {
            return [text];
        }

        var receipt = ReceiptText.FromHeader(text[Start.Length..].Trim()).Value;
        var forged = Signed.Sign(change(receipt.Message), signer, domain);
        return [Encoding.ASCII.GetString(ReceiptText.ToComment(forged)).TrimEnd('\n')];
    };

    private sealed class Altered(Meddler meddler, IWireResponse response, CancellationToken aborted) : IWireResponse
    {
        private bool _isStream;
        private int _events;

        public bool IsBroken { get; private set; }

        public ValueTask StartAsync(int status, WireHeaders headers, CancellationToken cancellation)
        {
            _isStream = headers["content-type"] == "text/event-stream";
            meddler.OnHead?.Invoke(headers);
            return response.StartAsync(status, headers, cancellation);
        }

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
        {
            if (!_isStream)
            {
                await response.WriteAsync(data, cancellation);
                return;
            }

            foreach (
                var part in Encoding.UTF8.GetString(data.Span).Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
            {
                if (IsBroken || _events >= meddler.BreaksAt)
                {
                    IsBroken = true;
                    throw new IOException("The meddler cut the connection.");
                }

                if (_events++ >= meddler.StallsAt)
                {
                    var gone = new TaskCompletionSource();
                    await using var registration = aborted.Register(() => gone.TrySetResult());
                    await gone.Task;
                    throw new IOException("The customer has gone.");
                }

                foreach (var altered in meddler.OnEvent?.Invoke(part) ?? [part])
                {
                    await response.WriteAsync(Encoding.UTF8.GetBytes(altered + "\n\n"), cancellation);
                }
            }
        }
    }
}
