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
        var settings = new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly,
            Pooling = false };
        using var connection = new SqliteConnection(settings.ToString());
        connection.Open();
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
}
