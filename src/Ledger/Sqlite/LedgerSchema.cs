using Microsoft.Data.Sqlite;
using Souk.Protocol;

namespace Souk.Ledger.Sqlite;

/// <summary>The last row: its number and its hash.</summary>
internal sealed record LedgerTip(long Sequence, Bytes32 Hash);

/// <summary>The tables of the file and every statement that is run on them, save the insert.</summary>
internal static class LedgerSchema
{
    /// <summary>The format version that this code writes. Earlier ones are brought to it when they are
    /// opened.</summary>
    /// <remarks>
    /// 1: rows; notes were added to it later. 2: there are always notes, and rows of kinds that version 1 does not know
    /// (names of requests, kept replies, purchases, repairs), which programs of version 1 would refuse one by one.
    /// </remarks>
    public const long FormatVersion = 2;

    private const string RowColumns = "sequence, kind, key, body, hash";
    private const string FormatTable = "CREATE TABLE format (version INTEGER NOT NULL)";
    private const string RowIndex = "CREATE INDEX row_key ON row (key)";

    private const string RowTable = """
        CREATE TABLE row (
            sequence INTEGER PRIMARY KEY,
            kind TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, hash BLOB NOT NULL)
        """;

    private const string NoteTable =
        "CREATE TABLE note (sequence INTEGER PRIMARY KEY, until INTEGER NOT NULL, body BLOB NOT NULL)";

    public static void Prepare(SqliteConnection connection)
    {
        var mode = Scalar(connection, "PRAGMA journal_mode = WAL") as string;
        if (mode != "wal")
        {
            throw new LedgerFailedException(
                $"{connection.DataSource} cannot use a write-ahead log (SQLite answered {mode}); "
                + "put the ledger on a local disk.");
        }

        // FULL syncs the log at every commit: a row that was acknowledged survives the loss of power.
        Execute(connection, "PRAGMA synchronous = FULL");
        var tables = Scalar(connection, "SELECT count(*) FROM sqlite_schema") as long?;
        if (tables == 0)
        {
            // A new file has at most the page that tells its tables. One with more pages and no tables has lost them,
            // and must not begin anew as an empty ledger.
            if (Scalar(connection, "PRAGMA page_count") is not (0L or 1L))
            {
                throw new LedgerCorruptException(0, "the list of its tables is empty, though the file is not");
            }

            Create(connection);
        }

        CheckVersion(connection);
        CheckTables(connection);
        // Only notes are ever deleted, and they are then to be gone from the file as well.
        Execute(connection, "PRAGMA secure_delete = ON");
    }

    /// <summary>Brings a file of an earlier format to this one, as a whole or not at all. Only after it was verified:
    /// what is damaged is left as it was found.</summary>
    public static void Migrate(SqliteConnection connection)
    {
        using var transaction = connection.BeginTransaction();
        // Files of version 1 have no such table, or have it since it was invented.
        if (Scalar(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'note'") is 0L)
        {
            Execute(connection, NoteTable);
        }

        if (Scalar(connection, "SELECT version FROM format") is not FormatVersion)
        {
            Execute(connection, $"UPDATE format SET version = {FormatVersion}");
        }

        transaction.Commit();
    }

    /// <summary>Writes the definitions of the tables into a damaged copy again, as they are in every ledger.</summary>
    public static void Restore(SqliteConnection connection)
    {
        Execute(connection, "PRAGMA writable_schema = ON");
        foreach (var (name, sql) in ((string, string)[])[("row", RowTable), ("note", NoteTable)])
        {
            using var command = connection.CreateCommand();
            command.CommandText = "UPDATE sqlite_schema SET sql = $sql WHERE name = $name AND type = 'table'";
            command.Parameters.AddWithValue("$sql", sql);
            command.Parameters.AddWithValue("$name", name);
            command.ExecuteNonQuery();
        }
    }

    public static void BoundSize(SqliteConnection connection, long? bytes)
    {
        if (bytes is { } bound && Scalar(connection, "PRAGMA page_size") is long page)
        {
            Execute(connection, $"PRAGMA max_page_count = {Math.Max(1, bound / page)}");
        }
    }

    /// <summary>Reads the whole chain once, and has SQLite compare the index with the table.</summary>
    public static LedgerTip VerifyAll(SqliteConnection connection)
    {
        var tip = new LedgerTip(0, LedgerChain.Genesis);
        try
        {
            foreach (var row in Rows(connection, 0, long.MaxValue))
            {
                LedgerChain.Verify(row, tip.Sequence, tip.Hash);
                tip = new LedgerTip(row.Sequence, row.Hash);
            }
        }
        catch (SqliteException failure)
        {
            throw SqliteFailure.Translate(failure, connection.DataSource, tip.Sequence + 1);
        }

        var verdict = Scalar(connection, "PRAGMA integrity_check(1)") as string;
        return verdict == "ok"
            ? tip
            : throw new LedgerCorruptException(tip.Sequence, $"SQLite finds the file damaged ({verdict})");
    }

    public static IEnumerable<LedgerRow> Rows(SqliteConnection connection, long after, long upTo)
    {
        using var command = connection.CreateCommand();
        command.CommandText =
            $"SELECT {RowColumns} FROM row WHERE sequence > $after AND sequence <= $upto ORDER BY sequence";
        command.Parameters.AddWithValue("$after", after);
        command.Parameters.AddWithValue("$upto", upTo);
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            yield return Row(reader);
        }
    }

    public static List<LedgerRow> Find(SqliteConnection connection, string key)
    {
        using var command = connection.CreateCommand();
        // The row before each is fetched as well, so that what is handed out was checked against its hash.
        command.CommandText = """
            SELECT r.sequence, r.kind, r.key, r.body, r.hash, p.hash FROM row r
            LEFT JOIN row p ON p.sequence = r.sequence - 1 WHERE r.key = $key ORDER BY r.sequence
            """;
        command.Parameters.AddWithValue("$key", key);
        using var reader = command.ExecuteReader();
        var rows = new List<LedgerRow>();
        while (reader.Read())
        {
            var row = Row(reader);
            var previous = row.Sequence == 1 ? LedgerChain.Genesis : HashIn(reader, 5, row.Sequence - 1);
            LedgerChain.Verify(row, row.Sequence - 1, previous);
            rows.Add(row);
        }

        return rows;
    }

    public static ReadOnlyMemory<byte>? FindNote(SqliteConnection connection, string key)
    {
        using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT n.body FROM row r JOIN note n ON n.sequence = r.sequence WHERE r.key = $key
            ORDER BY r.sequence DESC LIMIT 1
            """;
        command.Parameters.AddWithValue("$key", key);
        using var reader = command.ExecuteReader();
        return reader.Read() ? (ReadOnlyMemory<byte>?)reader.GetFieldValue<byte[]>(0) : null;
    }

    public static SqliteCommand KeepNote(SqliteConnection connection)
    {
        var keep = connection.CreateCommand();
        keep.CommandText = "INSERT INTO note (sequence, until, body) VALUES ($sequence, $until, $body)";
        keep.Parameters.Add("$sequence", SqliteType.Integer);
        keep.Parameters.Add("$until", SqliteType.Integer);
        keep.Parameters.Add("$body", SqliteType.Blob);
        return keep;
    }

    public static SqliteCommand ForgetNotes(SqliteConnection connection)
    {
        var forget = connection.CreateCommand();
        forget.CommandText = "DELETE FROM note WHERE until < $now";
        forget.Parameters.Add("$now", SqliteType.Integer);
        return forget;
    }

    public static Bytes32? HashOf(SqliteConnection connection, long sequence)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT hash FROM row WHERE sequence = $sequence";
        command.Parameters.AddWithValue("$sequence", sequence);
        using var reader = command.ExecuteReader();
        return reader.Read() ? HashIn(reader, 0, sequence) : null;
    }

    public static void Execute(SqliteConnection connection, string statement)
    {
        using var command = connection.CreateCommand();
        command.CommandText = statement;
        command.ExecuteNonQuery();
    }

    internal static object? Scalar(SqliteConnection connection, string statement)
    {
        using var command = connection.CreateCommand();
        command.CommandText = statement;
        return command.ExecuteScalar();
    }

    private static void Create(SqliteConnection connection)
    {
        using var transaction = connection.BeginTransaction();
        Execute(connection, FormatTable);
        Execute(connection, $"INSERT INTO format VALUES ({FormatVersion})");
        Execute(connection, RowTable);
        Execute(connection, RowIndex);
        Execute(connection, NoteTable);
        transaction.Commit();
    }

    private static void CheckVersion(SqliteConnection connection)
    {
        if (Scalar(connection, "SELECT count(*) FROM sqlite_schema WHERE name IN ('format', 'row')") is not 2L)
        {
            throw new LedgerFormatException($"{connection.DataSource} is an SQLite file, but not a ledger.");
        }

        if (Scalar(connection, "SELECT version FROM format") is not long version
            || version is < 1 or > FormatVersion)
        {
            var found = Scalar(connection, "SELECT version FROM format");
            throw new LedgerFormatException(
                $"{connection.DataSource} has format version {found ?? "none"}, and this program knows 1 to "
                + $"{FormatVersion}. Use the version of the program that wrote it, or a later one.");
        }
    }

    /// <summary>SQLite reads a file by the definitions that the file itself has: one flipped bit in "PRIMARY" makes a
    /// full table look empty, and no check of the rows would see it.</summary>
    private static void CheckTables(SqliteConnection connection)
    {
        string[] known = [Plain(FormatTable), Plain(RowTable), Plain(RowIndex), Plain(NoteTable)];
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT sql FROM sqlite_schema";
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            if (reader.GetValue(0) is not string definition || !known.Contains(Plain(definition)))
            {
                throw new LedgerCorruptException(0, "a table is not defined as it was written");
            }
        }
    }

    private static string Plain(string definition) =>
        string.Join(' ', definition.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static LedgerRow Row(SqliteDataReader reader)
    {
        var sequence = reader.GetInt64(0);
        if (reader.GetValue(1) is not string kind || reader.GetValue(2) is not string key
            || reader.GetValue(3) is not byte[] body)
        {
            throw new LedgerCorruptException(sequence, "a column has another type than was written");
        }

        return new LedgerRow(sequence, kind, key, body, HashIn(reader, 4, sequence));
    }

    private static Bytes32 HashIn(SqliteDataReader reader, int column, long sequence) =>
        reader.GetValue(column) is byte[] { Length: 32 } bytes
            ? Bytes32.FromBytes(bytes)
            : throw new LedgerCorruptException(sequence, "its hash is missing or not 32 bytes");
}
