using System.Diagnostics;
using System.Text.Json;
using Souk.Ledger;
using Souk.Ledger.Sqlite;

/// <summary>
/// Loses power at every boundary of a ledger's writes and opens what is left: no acknowledged row may be missing, none
/// may be there that was not appended whole, and no flipped bit may change what is read. One line of results per seed;
/// seeds that the file has for this commit are not run again.
/// </summary>
internal sealed class Campaign(string results, string folder, int most)
{
    private static readonly string? _commit = Environment.GetEnvironmentVariable("SOUK_COMMIT");
    private readonly Dictionary<string, int> _kinds = [];
    private readonly List<string> _violations = [];
    private int _boundaries;
    private int _refused;
    private int _flips;

    private string Left => Path.Combine(folder, "left.ledger");

    /// <summary>Runs seeds until so many boundaries are in the file; the exit code.</summary>
    public static async Task<int> RunAsync(string results, int wanted, int firstSeed, int most)
    {
        var folder = Directory.CreateTempSubdirectory("souk-boundaries-").FullName;
        try
        {
            var done = File.Exists(results)
                ? File.ReadLines(results).Select(line => JsonDocument.Parse(line).RootElement)
                    .Where(line => line.GetProperty("commit").GetString() == _commit).ToList()
                : [];
            var boundaries = done.Sum(line => line.GetProperty("boundaries").GetInt32());
            var seeds = done.Select(line => line.GetProperty("seed").GetInt32()).ToHashSet();
            var wrong = done.Sum(line => line.GetProperty("violations").GetInt32());
            for (var seed = firstSeed; boundaries < wanted; seed++)
            {
                if (!seeds.Contains(seed))
                {
                    var campaign = new Campaign(results, folder, most);
                    await campaign.RunSeedAsync(seed);
                    boundaries += campaign._boundaries;
                    wrong += campaign._violations.Count;
                }
            }

            Console.WriteLine($"{boundaries} boundaries, {wrong} violations");
            return wrong == 0 ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task RunSeedAsync(int seed)
    {
        var clock = Stopwatch.StartNew();
        var workload = new Workload(Path.Combine(folder, $"{seed}.ledger"), seed);
        var random = new Random(seed);
        Snapshot? before = null;
        await foreach (var after in workload.RunAsync())
        {
            foreach (var (kind, state) in before is null ? [] : CrashStates.Between(before, after, random, most))
            {
                _kinds[kind] = _kinds.GetValueOrDefault(kind) + 1;
                _boundaries++;
                if (await OpenAsync(state, workload.Truth) is { } violation)
                {
                    _violations.Add($"{kind} after {before!.Acknowledged} rows: {violation}");
                }
            }

            for (var i = 0; i < 1 + (most / 12) && before is not null; i++)
            {
                await FlipAsync(CrashStates.Flipped(after, random), workload.Truth);
            }

            before = after;
        }

        foreach (var file in Directory.GetFiles(folder))
        {
            File.Delete(file);
        }

        await File.AppendAllTextAsync(results, JsonSerializer.Serialize(new
        {
            commit = _commit, seed, boundaries = _boundaries, kinds = _kinds, flips = _flips, flips_refused = _refused,
            violations = _violations.Count, seconds = Math.Round(clock.Elapsed.TotalSeconds, 1),
        }) + "\n");
        _violations.ForEach(Console.Error.WriteLine);
    }

    private async Task<string?> OpenAsync(Snapshot state, List<string> truth)
    {
        state.Write(Left);
        try
        {
            await using var ledger = SqliteLedger.Open(Left);
            var rows = await RowsAsync(ledger);
            return rows.Count < state.Acknowledged ? $"{state.Acknowledged - rows.Count} acknowledged rows are gone"
                : !rows.SequenceEqual(truth.Take(rows.Count)) ? "rows are there that were not appended"
                : await ledger.AppendAsync([new LedgerEntry("k", "k", default)]) != rows.Count + 1
                    ? "the next row has another number"
                : null;
        }
        catch (LedgerException refused)
        {
            return refused.Message;
        }
    }

    private async Task FlipAsync(Snapshot flipped, List<string> truth)
    {
        _flips++;
        flipped.Write(Left);
        try
        {
            await using var ledger = SqliteLedger.Open(Left);
            var rows = await RowsAsync(ledger);
            if (!rows.SequenceEqual(truth.Take(flipped.Acknowledged)))
            {
                _violations.Add($"a flipped bit changed what is read after {flipped.Acknowledged} rows");
            }
        }
        catch (LedgerException)
        {
            _refused++;
        }
    }

    private static async Task<List<string>> RowsAsync(SqliteLedger ledger)
    {
        var rows = new List<string>();
        await foreach (var row in ledger.ReadAsync(0, CancellationToken.None))
        {
            rows.Add(row.Hash.ToString());
        }

        return rows;
    }
}
