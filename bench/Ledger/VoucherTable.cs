using System.Diagnostics;
using System.Globalization;
using Souk.Ledger.Rows;
using Souk.Ledger.Sqlite;
using Souk.Protocol;

/// <summary>Durable vouchers a second, in turns with what the disk can do: the same writes and the same sync for each
/// commit, without a ledger.</summary>
internal static class VoucherTable
{
    private const int Rounds = 3;
    private const int WarmUpSeconds = 2;

    public static async Task<int> PrintAsync(string path, int seconds)
    {
        Console.WriteLine(
            "| concurrent requests | durable vouchers/s | commits/s | vouchers in each | pages in each "
            + "| bare commits/s | ratio | CPU per voucher |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        foreach (var concurrency in (int[])[1, 16, 256])
        {
            List<Measured> rounds = [];
            for (var round = 0; round < Rounds; round++)
            {
                var own = $"{path}.{concurrency}.{round}";
                rounds.Add(await MeasureAsync(own, concurrency, seconds));
                foreach (var end in (string[])["", "-wal", "-shm", ".lock", ".mark"])
                {
                    File.Delete(own + end);
                }
            }

            var ratios = rounds.Select(one => one.Commits / one.Bare).Order().ToList();
            // The round whose ratio is in the middle, whole, so that its columns belong together.
            var middle = rounds.First(one => one.Commits / one.Bare == ratios[Rounds / 2]);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {concurrency} | {middle.Vouchers:N0} | {middle.Commits:N0} | {middle.Vouchers / middle.Commits:F1} "
                + $"| {middle.Frames:F1} | {middle.Bare:N0} "
                + $"| {ratios[Rounds / 2]:F2} ({ratios[0]:F2} to {ratios[^1]:F2}) | {middle.Microseconds:F0} us |"));
        }

        return 0;
    }

    private static async Task<Measured> MeasureAsync(string path, int concurrency, int seconds)
    {
        await using var ledger = SqliteLedger.Open(path);
        using var counts = new WalCounts(path);
        // The log's first round, in which it grows.
        await AppendAsync(ledger, concurrency, WarmUpSeconds);
        var (clock, cpu) = (Stopwatch.StartNew(), Process.GetCurrentProcess().TotalProcessorTime);
        var commits = counts.Commits();
        var vouchers = await AppendAsync(ledger, concurrency, seconds);
        var elapsed = clock.Elapsed.TotalSeconds;
        cpu = Process.GetCurrentProcess().TotalProcessorTime - cpu;
        commits = unchecked(counts.Commits() - commits);
        var frames = counts.FramesPerCommit();
        return new Measured(
            vouchers / elapsed, commits / elapsed, frames, BareSyncs.Rate(path + ".bare", frames, seconds),
            cpu.TotalMicroseconds / vouchers);
    }

    private static async Task<int> AppendAsync(SqliteLedger ledger, int concurrency, int seconds)
    {
        var key = PrivateKey.FromBytes("a key of 32 bytes for this bench"u8);
        var voucher = Voucher.Sign(key, new EscrowDomain(1, key.Address), Sha.Hash("channel"u8), new Amount(1_000_000));
        var clock = Stopwatch.StartNew();
        var counts = await Task.WhenAll(Enumerable.Range(0, concurrency).Select(async _ =>
        {
            var count = 0;
            for (; clock.Elapsed.TotalSeconds < seconds; count++)
            {
                // Ids are random in life too: the index of the rows then writes all over its pages.
                var id = new byte[16];
                Random.Shared.NextBytes(id);
                await ledger.AppendAsync(
                    [RowCodec.ToEntry(new VoucherAccepted(voucher, RequestId.FromBytes(id), 0, 1))]);
            }

            return count;
        }));
        return counts.Sum();
    }

    /// <summary>One round: per second; pages for each commit; processor time for each voucher.</summary>
    private sealed record Measured(double Vouchers, double Commits, double Frames, double Bare, double Microseconds);
}
