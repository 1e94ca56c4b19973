using Microsoft.Data.Sqlite;

namespace Souk.Ledger.Sqlite;

/// <summary>Says in the ledger's own words what SQLite reported (result codes: sqlite.org/rescode.html).</summary>
internal static class SqliteFailure
{
    private const int Corrupt = 11;
    private const int Full = 13;
    private const int ReadOnly = 8;
    private const int FailedWrite = 10 | (3 << 8);
    private const int NotADatabase = 26;

    /// <summary>Whether a commit that ended so may be tried again: the disk refused a write, before any sync. After a
    /// failed sync nobody knows what the disk holds.</summary>
    public static bool IsPassing(LedgerException failure) =>
        failure is LedgerFullException or LedgerUnwritableException;

    public static LedgerException Translate(SqliteException failure, string path, long nextSequence) =>
        failure.SqliteErrorCode switch
        {
            _ when failure.SqliteExtendedErrorCode == FailedWrite => new LedgerUnwritableException(path, failure),
            ReadOnly => new LedgerUnwritableException(path, failure),
            Full => new LedgerFullException(path, failure),
            Corrupt => new LedgerCorruptException(nextSequence, $"SQLite reports {failure.Message}", failure),
            NotADatabase => new LedgerFormatException($"{path} is not a ledger: it is no SQLite file.", failure),
            _ => new LedgerFailedException($"The ledger {path} failed: {failure.Message}", failure),
        };
}
