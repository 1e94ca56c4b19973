using Souk.Protocol;

namespace Souk.Ledger;

/// <summary>
/// The durable, append-only record of promised money. Rows are chained by hash and never changed. Implementations are
/// interchangeable: each passes the same conformance kit.
/// </summary>
public interface ILedger : IAsyncDisposable
{
    /// <summary>The sequence number of the last durable row, or 0 when there is none.</summary>
    long Sequence { get; }

    /// <summary>The hash of the last durable row, or <see cref="LedgerChain.Genesis"/> when there is none.</summary>
    Bytes32 Head { get; }

    /// <summary>
    /// Why nothing becomes durable at the moment, such as a full disk; null when all is well. Appends wait meanwhile,
    /// and go on by themselves when the disk takes them; whoever can should promise nothing new until then.
    /// </summary>
    LedgerException? Obstacle { get; }

    /// <summary>
    /// Appends the entries as one atomic transaction. The task completes only when they are durable and gives the
    /// sequence number of the last of them. Appends become rows in the order of the calls. Concurrent appends share
    /// one sync of the disk.
    /// </summary>
    /// <exception cref="ArgumentException">No entry, too many, or one beyond <see cref="LedgerLimits"/>.</exception>
    /// <exception cref="LedgerFullException">
    /// The ledger was closed while the disk was full; nothing of this call was acknowledged.
    /// </exception>
    /// <exception cref="LedgerFailedException">
    /// The store failed now or in an earlier append. Every later append is refused until the ledger is opened again,
    /// because only a new read tells what the disk holds.
    /// </exception>
    /// <param name="entries">What becomes rows.</param>
    /// <param name="note">Kept with the last of them, in the same transaction.</param>
    Task<long> AppendAsync(IReadOnlyList<LedgerEntry> entries, LedgerNote? note = null);

    /// <summary>
    /// Reads the rows that follow <paramref name="afterSequence"/> and were durable when the reading began, in order,
    /// verifying the chain of hashes on the way.
    /// </summary>
    /// <exception cref="LedgerCorruptException">A row is missing or does not fit; it names the row.</exception>
    IAsyncEnumerable<LedgerRow> ReadAsync(long afterSequence, CancellationToken cancellation);

    /// <summary>All durable rows with exactly this key, in the order they were appended.</summary>
    /// <exception cref="LedgerCorruptException">A row's hash does not fit; it names the row.</exception>
    Task<IReadOnlyList<LedgerRow>> FindAsync(string key, CancellationToken cancellation);

    /// <summary>The body of the newest durable note with a row of this key; null where there is none, or no
    /// more.</summary>
    Task<ReadOnlyMemory<byte>?> FindNoteAsync(string key, CancellationToken cancellation);

    /// <summary>Erases the notes whose time is over. Completes when they are gone from the disk.</summary>
    /// <param name="nowMs">Unix milliseconds.</param>
    Task ForgetNotesAsync(ulong nowMs);
}

/// <summary>
/// What is to be appended. <paramref name="Kind"/> names the type of the body, <paramref name="Key"/> is what
/// <see cref="ILedger.FindAsync"/> looks up (a request id, a channel id), <paramref name="Body"/> is UTF-8 JSON and
/// must not be changed after the call.
/// </summary>
public sealed record LedgerEntry(string Kind, string Key, ReadOnlyMemory<byte> Body);

/// <summary>
/// What has to be durable for a while only, and must not stay for ever as rows do: it is no part of the chain of
/// hashes, and is erased some time after <paramref name="UntilMs"/> (Unix milliseconds).
/// </summary>
public sealed record LedgerNote(ReadOnlyMemory<byte> Body, ulong UntilMs);

/// <summary>A durable row. <paramref name="Hash"/> covers the previous row's hash and all of this one.</summary>
public sealed record LedgerRow(long Sequence, string Kind, string Key, ReadOnlyMemory<byte> Body, Bytes32 Hash);
