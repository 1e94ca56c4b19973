using Souk.Ledger;
using Souk.Protocol;

namespace Souk.Testbed.Market;

/// <summary>Enters every append of a ledger into the trace.</summary>
public sealed class TracedLedger(ILedger ledger, string owner, SimulationTrace trace) : ILedger
{
    public long Sequence => ledger.Sequence;

    public Bytes32 Head => ledger.Head;

    public LedgerException? Obstacle => ledger.Obstacle;

    public Task<long> AppendAsync(IReadOnlyList<LedgerEntry> entries, LedgerNote? note = null)
    {
        foreach (var entry in entries)
        {
            trace.Record($"append {owner} {entry.Kind}", entry.Body.Span);
        }

        return ledger.AppendAsync(entries, note);
    }

    public IAsyncEnumerable<LedgerRow> ReadAsync(long afterSequence, CancellationToken cancellation) =>
        ledger.ReadAsync(afterSequence, cancellation);

    public Task<IReadOnlyList<LedgerRow>> FindAsync(string key, CancellationToken cancellation) =>
        ledger.FindAsync(key, cancellation);

    public Task<ReadOnlyMemory<byte>?> FindNoteAsync(string key, CancellationToken cancellation) =>
        ledger.FindNoteAsync(key, cancellation);

    public Task ForgetNotesAsync(ulong nowMs) => ledger.ForgetNotesAsync(nowMs);

    public ValueTask DisposeAsync() => ledger.DisposeAsync();
}
