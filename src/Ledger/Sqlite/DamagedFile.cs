using Microsoft.Data.Sqlite;

namespace Souk.Ledger.Sqlite;

/// <summary>
/// A copy of a ledger that is not what it should be, read row by row as far as SQLite lets it. The file that was found
/// is never written.
/// </summary>
internal sealed class DamagedFile : IDisposable
{
    private const int PageSize = 4096;
    private const int SchemaFormatAt = 44;
    private const int EncodingAt = 56;
    private readonly string _path;
    private readonly SqliteConnection? _connection;

    private DamagedFile(string path, SqliteConnection? connection)
    {
        (_path, _connection) = (path, connection);
        Last = connection is null ? 0 : Try(() => LedgerSchema.Scalar(connection, "SELECT max(sequence) FROM row"))
            as long? ?? 0;
    }

    /// <summary>The last row that SQLite knows of.</summary>
    public long Last { get; }

    /// <summary>Copies the file and its log, and opens the copy.</summary>
    public static DamagedFile Of(string path)
    {
        var copy = path + ".reading";
        Delete(copy);
        foreach (var end in (string[])["", "-wal"])
        {
            if (File.Exists(path + end))
            {
                File.Copy(path + end, copy + end);
            }
        }

        WriteHead(copy);
        Try(() =>
        {
            using var schema = Open(copy);
            LedgerSchema.Restore(schema);
            return schema;
        });
        return new DamagedFile(copy, Try(() => Open(copy)));
    }

    // The parts of a file's head that are the same in every ledger (sqlite.org/fileformat2.html#the_database_header):
    // a flipped bit there would hide all the rows behind it.
    private static void WriteHead(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write);
        if (file.Length >= PageSize)
        {
            file.Write("SQLite format 3\0\x10\0\x02\x02\0\x40\x20\x20"u8);
            file.Position = SchemaFormatAt;
            file.Write([0, 0, 0, 4]);
            file.Position = EncodingAt;
            file.Write([0, 0, 0, 1]);
        }
    }

    private static SqliteConnection Open(string path)
    {
        var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        return connection;
    }

    /// <summary>A row; null where it is not there or cannot be read.</summary>
    public LedgerRow? Row(long sequence) => _connection is null || sequence < 1
        ? null
        : Try(() => LedgerSchema.Rows(_connection, sequence - 1, sequence).SingleOrDefault());

    /// <summary>The note beside a row; null where there is none or it cannot be read.</summary>
    public LedgerNote? Note(long sequence) => _connection is null ? null : Try(() =>
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT until, body FROM note WHERE sequence = $sequence";
        command.Parameters.AddWithValue("$sequence", sequence);
        using var reader = command.ExecuteReader();
        return reader.Read() ? new LedgerNote(reader.GetFieldValue<byte[]>(1), (ulong)reader.GetInt64(0)) : null;
    });

    public void Dispose()
    {
        _connection?.Dispose();
        Delete(_path);
    }

    private static void Delete(string path)
    {
        foreach (var end in (string[])["", "-wal", "-shm"])
        {
            File.Delete(path + end);
        }
    }

    private static T? Try<T>(Func<T?> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (Exception unread) when (unread is SqliteException or LedgerException or InvalidCastException
            or OverflowException or ArgumentException)
        {
            return null;
        }
    }
}
