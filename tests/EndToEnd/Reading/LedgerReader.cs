using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Souk.EndToEnd.Reading;

/// <summary>A row of a ledger as it lies in the file.</summary>
internal sealed record RawRow(long Sequence, string Kind, string Key, JsonElement Body);

/// <summary>Reads a ledger's file by SQL and its rows' JSON by hand, beside whoever writes it.</summary>
internal static class LedgerReader
{
    public static IReadOnlyList<RawRow> Read(string path)
    {
        using var connection = Open(path);
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT sequence, kind, key, body FROM row ORDER BY sequence";
        using var reader = command.ExecuteReader();
        List<RawRow> rows = [];
        while (reader.Read())
        {
            var body = JsonDocument.Parse(reader.GetFieldValue<byte[]>(3)).RootElement;
            rows.Add(new RawRow(reader.GetInt64(0), reader.GetString(1), reader.GetString(2), body));
        }

        return rows;
    }

    /// <summary>The result of a query, as text.</summary>
    public static IReadOnlyList<string[]> Query(string path, string sql)
    {
        using var connection = Open(path);
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        List<string[]> rows = [];
        while (reader.Read())
        {
            rows.Add([.. Enumerable.Range(0, reader.FieldCount)
                .Select(at => Convert.ToString(reader.GetValue(at), CultureInfo.InvariantCulture) ?? "")]);
        }

        return rows;
    }

    private static SqliteConnection Open(string path)
    {
        var settings = new SqliteConnectionStringBuilder
        {
            DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false,
        };
        var connection = new SqliteConnection(settings.ToString());
        connection.Open();
        return connection;
    }
}
