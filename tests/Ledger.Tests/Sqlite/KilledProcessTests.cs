using System.Diagnostics;
using System.Globalization;
using System.Text;
using Souk.Ledger.Sqlite;

namespace Souk.Ledger.Tests.Sqlite;

/// <summary>A real process is killed at a random instant while it appends and reports what was acknowledged.</summary>
public sealed class KilledProcessTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("souk-killed-").FullName;

    private string LedgerPath => Path.Combine(_folder, "ledger.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Every_row_that_was_acknowledged_is_there_after_a_kill()
    {
        var random = new Random(5);
        var acknowledged = new Dictionary<long, string>();
        for (var round = 0; round < 4; round++)
        {
            await RunAndKillAsync(acknowledged, least: 20 + random.Next(300));
            await using var ledger = SqliteLedger.Open(LedgerPath);
            var rows = new Dictionary<long, string>();
            await foreach (var row in ledger.ReadAsync(0, CancellationToken.None))
            {
                rows.Add(row.Sequence, Encoding.UTF8.GetString(row.Body.Span));
            }

            Assert.All(acknowledged, row => Assert.Equal(row.Value, rows[row.Key]));
            var next = await ledger.AppendAsync([new LedgerEntry("k", "after", Encoding.UTF8.GetBytes("after"))]);
            acknowledged.Add(next, "after");
        }

        Assert.True(acknowledged.Count > 80);
    }

    [Fact]
    public async Task A_second_process_is_refused_and_a_killed_one_leaves_no_lock_behind()
    {
        using var child = Start();
        Assert.NotNull(await child.StandardOutput.ReadLineAsync());
        var refused = Assert.Throws<LedgerInUseException>(() => SqliteLedger.Open(LedgerPath));
        Assert.Contains("another process", refused.Message, StringComparison.Ordinal);
        using (var second = Start())
        {
            var complaint = await second.StandardError.ReadToEndAsync();
            await second.WaitForExitAsync();
            Assert.NotEqual(0, second.ExitCode);
            Assert.Contains("open in another process", complaint, StringComparison.Ordinal);
        }

        child.Kill();
        await child.WaitForExitAsync();
        await SqliteLedger.Open(LedgerPath).DisposeAsync();
    }

    private async Task RunAndKillAsync(Dictionary<long, string> acknowledged, int least)
    {
        using var child = Start();
        var count = 0;
        while (await child.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Split(' ') is not [var sequence, var text, "durable"])
            {
                continue;
            }

            acknowledged.Add(long.Parse(sequence, CultureInfo.InvariantCulture), text);
            if (++count == least)
            {
                child.Kill();
            }
        }

        await child.WaitForExitAsync();
        Assert.True(count >= least, "The child ended before it was killed.");
    }

    private Process Start()
    {
        var program = Path.Combine(AppContext.BaseDirectory, "Souk.Ledger.Bench.dll");
        var start = new ProcessStartInfo("dotnet", [program, "acknowledge", LedgerPath])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }
}
