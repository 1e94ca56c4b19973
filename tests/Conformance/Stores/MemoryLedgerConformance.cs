using Souk.Ledger;
using Souk.Testbed.Stores;

namespace Souk.Conformance.Stores;

/// <summary>The simulated store keeps the same promises as the real one.</summary>
public sealed class MemoryLedgerConformance : LedgerConformance
{
    private readonly MemoryStore _store = new();

    protected override ILedger Open() => _store.Open(TimeProvider.System, TimeSpan.Zero);

    protected override void Crash(ILedger ledger) => _store.Crash();

    protected override void Tamper(long sequence) =>
        _store.Tamper(sequence, row => row with { Body = new byte[row.Body.Length] });

    protected override void SetDiskFull(bool isFull) => _store.IsFull = isFull;
}
