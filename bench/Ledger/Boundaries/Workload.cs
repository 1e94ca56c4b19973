using System.Text;
using Souk.Ledger;
using Souk.Ledger.Sqlite;

/// <summary>A ledger that is written for real, with its files copied after every commit.</summary>
/// <param name="Path">Where.</param>
/// <param name="Seed">Of the rows' numbers and sizes.</param>
internal sealed record Workload(string Path, int Seed)
{
    /// <summary>SQLite writes its log back into the database at 1,000 pages of 4,096 bytes and 24.</summary>
    private const int NearlyFullBytes = 970 * 4_120;

    private const int Commits = 24;

    /// <summary>The hashes of all rows that were ever appended, in order.</summary>
    public List<string> Truth { get; } = [];

    /// <summary>The files after each commit. Every other workload goes through a checkpoint and a new beginning of the
    /// log.</summary>
    public async IAsyncEnumerable<Snapshot> RunAsync()
    {
        var random = new Random(Seed);
        await using var ledger = SqliteLedger.Open(Path);
        yield return Snapshot.Of(Path, 0);
        if (Seed % 2 == 1)
        {
            while (new FileInfo(Path + "-wal").Length < NearlyFullBytes)
            {
                await AppendAsync(ledger, random, 1, 60_000);
            }

            yield return Snapshot.Of(Path, Truth.Count);
        }

        for (var commit = 0; commit < Commits; commit++)
        {
            if (random.Next(5) == 0)
            {
                // Erasing writes over pages that were written before.
                await ledger.ForgetNotesAsync(2);
            }
            else
            {
                await AppendAsync(ledger, random, 1 + random.Next(6), random.Next(10) == 0 ? 20_000 : 700);
            }

            yield return Snapshot.Of(Path, Truth.Count);
        }
    }

    private async Task AppendAsync(SqliteLedger ledger, Random random, int rows, int mostBytes)
    {
        var entries = new List<LedgerEntry>();
        for (var i = 0; i < rows; i++)
        {
            var body = new byte[1 + random.Next(mostBytes / 2, mostBytes)];
            random.NextBytes(body);
            entries.Add(new LedgerEntry("kind", $"key {Truth.Count + i}", body));
        }

        var note = random.Next(3) == 0 ? new LedgerNote(Encoding.UTF8.GetBytes($"note {Truth.Count}"), 1) : null;
        await ledger.AppendAsync(entries, note);
        await foreach (var row in ledger.ReadAsync(Truth.Count, CancellationToken.None))
        {
            Truth.Add(row.Hash.ToString());
        }
    }
}
