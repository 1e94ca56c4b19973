using Microsoft.Data.Sqlite;

namespace Souk.Ledger.Sqlite;

/// <summary>Says in the ledger's own words what SQLite reported (result codes: sqlite.org/rescode.html).</summary>
internal static class SqliteFailure
{
    private const int Corrupt = 11;
    private const int Full = 13;
    private const int NotADatabase = 26;

    public static LedgerException Translate(SqliteException failure, string path, long nextSequence) =>
        failure.SqliteErrorCode switch
        {
            Full => new LedgerFullException(path, failure),
            Corrupt => new LedgerCorruptException(nextSequence, $"SQLite reports {failure.Message}", failure),
            NotADatabase => new LedgerFormatException($"{path} is not a ledger: it is no SQLite file.", failure),
            _ => new LedgerFailedException($"The ledger {path} failed: {failure.Message}", failure),
        };
}
