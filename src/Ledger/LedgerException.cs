namespace Souk.Ledger;

/// <summary>The store of promised money cannot be trusted or used. The message says what a person can do.</summary>
public abstract class LedgerException : Exception
{
    private protected LedgerException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>A row is missing or is not what was appended. Nothing may be promised on top of such a record.</summary>
public sealed class LedgerCorruptException(long sequence, string why, Exception? inner = null)
    : LedgerException(
        $"Ledger row {sequence} is corrupt: {why}. Nothing is promised on it; 'souk ledger check' tells what is left, "
        + "'souk ledger repair' goes on with that.",
        inner)
{
    /// <summary>The sequence number of the first row that is wrong.</summary>
    public long Sequence { get; } = sequence;
}

/// <summary>
/// Rows that were durable here are gone: the file is an older copy of itself, or its write-ahead log was removed.
/// Every row that is left is sound.
/// </summary>
public sealed class LedgerBehindException(string path, long sequence, long known)
    : LedgerException(
        $"The ledger {path} ends at row {sequence}, but row {known} was written here before: it is an older copy, or "
        + "its log (-wal) was removed. Put the newest copy back. Where there is none, 'souk ledger repair' goes on "
        + "with what is left.")
{
    /// <summary>The last row that is there.</summary>
    public long Sequence { get; } = sequence;

    /// <summary>The last row that is known to have been there.</summary>
    public long Known { get; } = known;
}

/// <summary>The disk that holds the ledger is full.</summary>
public sealed class LedgerFullException(string path, Exception? inner = null)
    : LedgerException(
        $"The disk of the ledger {path} is full. Nothing new is promised until there is room again; free some.", inner);

/// <summary>The disk refuses writes to the ledger. What was not synced yet is written once it takes them
/// again.</summary>
public sealed class LedgerUnwritableException(string path, Exception? inner = null)
    : LedgerException(
        $"The ledger {path} cannot be written: {inner?.Message ?? "the disk refuses it"}. Nothing new is promised "
            + $"until "
        + "it can be again.",
        inner);

/// <summary>The store failed, now or before; no more can be appended until it is opened again.</summary>
public sealed class LedgerFailedException(string message, Exception? inner = null)
    : LedgerException(message, inner);

/// <summary>Another process, or another part of this one, has the ledger open.</summary>
public sealed class LedgerInUseException(string path, Exception? inner = null)
    : LedgerException(
        $"The ledger {path} is open in another process. Two writers would promise the same money twice: stop the "
        + "other one first, or give this one a data folder of its own.",
        inner);

/// <summary>The file is no ledger, or one of a format or with a kind of row that this version does not know.</summary>
public sealed class LedgerFormatException(string message, Exception? inner = null)
    : LedgerException(message, inner);
