using Microsoft.Data.Sqlite;
using Souk.Ledger;
using Souk.Ledger.Sqlite;

namespace Souk.Conformance.Stores;

/// <summary>The SQLite store.</summary>
public sealed class SqliteLedgerConformance : LedgerConformance, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("souk-ledger-").FullName;
    private readonly List<ILedger> _crashed = [];
    private long? _maxBytes;
    private int _copies;

    private string Path => System.IO.Path.Combine(_folder, $"ledger{_copies}.db");

    public void Dispose()
    {
        foreach (var ledger in _crashed)
        {
            ledger.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }

        Directory.Delete(_folder, recursive: true);
    }

    protected override ILedger Open() => SqliteLedger.Open(Path, _maxBytes);

    // A test cannot kill its own process. What is on the disk at this instant is what a killed one leaves behind, so
    // the store goes on with a copy of it; another test kills a real process.
    protected override void Crash(ILedger ledger)
    {
        var from = Path;
        _copies++;
        foreach (var suffix in new[] { "-wal", "" })
        {
            if (File.Exists(from + suffix))
            {
                File.Copy(from + suffix, Path + suffix);
            }
        }

        _crashed.Add(ledger);
    }

    protected override void Tamper(long sequence)
    {
        using var connection = new SqliteConnection($"Data Source={Path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "UPDATE row SET body = CAST(replace(body, 'row', 'raw') AS BLOB) WHERE sequence = $s";
        command.Parameters.AddWithValue("$s", sequence);
        Assert.Equal(1, command.ExecuteNonQuery());
    }

    protected override void SetDiskFull(bool isFull) => _maxBytes = isFull ? 200_000 : null;
}
