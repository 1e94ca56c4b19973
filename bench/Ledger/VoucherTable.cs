using System.Diagnostics;
using System.Globalization;
using Souk.Ledger.Rows;
using Souk.Ledger.Sqlite;
using Souk.Protocol;

/// <summary>Durable vouchers a second, beside what the disk can do: a 4 KiB write and a sync, one after
/// another.</summary>
internal static class VoucherTable
{
    private const int Page = 4096;
    private const int Pages = 1000;

    public static async Task<int> PrintAsync(string path, int seconds)
    {
        var before = Syncs(path + ".syncs", seconds);
        Console.WriteLine("| concurrent requests | durable vouchers/s | per bare sync | CPU each |");
        Console.WriteLine("|---|---|---|---|");
        List<string> rows = [];
        foreach (var concurrency in (int[])[1, 16, 256])
        {
            var (rate, cpu) = await VouchersAsync($"{path}.{concurrency}", concurrency, seconds);
            rows.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"| {concurrency} | {rate:F0} | {rate / before:F2} | {cpu:F0} us |"));
        }

        rows.ForEach(Console.WriteLine);
        var after = Syncs(path + ".syncs", seconds);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"bare syncs: {before:F0}/s before, {after:F0}/s after"));
        return 0;
    }

    private static double Syncs(string path, int seconds)
    {
        var page = new byte[Page];
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 0);
        for (var i = 0; i < Pages; i++)
        {
            file.Write(page);
        }

        file.Flush(flushToDisk: true);
        var (clock, count) = (Stopwatch.StartNew(), 0);
        for (; clock.Elapsed.TotalSeconds < seconds; count++)
        {
            // As SQLite's log does, round and round over room that is there already: growing costs the disk more.
            file.Position = count % Pages * Page;
            file.Write(page);
            file.Flush(flushToDisk: true);
        }

        var rate = count / clock.Elapsed.TotalSeconds;
        file.Dispose();
        File.Delete(path);
        return rate;
    }

    private static async Task<(double Rate, double Microseconds)> VouchersAsync(
        string path, int concurrency, int seconds)
    {
        var key = PrivateKey.FromBytes("a key of 32 bytes for this bench"u8);
        var voucher = Voucher.Sign(key, new EscrowDomain(1, key.Address), Sha.Hash("channel"u8), new Amount(1_000_000));
        await using var ledger = SqliteLedger.Open(path);
        var (clock, cpu) = (Stopwatch.StartNew(), Process.GetCurrentProcess().TotalProcessorTime);
        var counts = await Task.WhenAll(Enumerable.Range(0, concurrency).Select(async worker =>
        {
            var count = 0;
            for (; clock.Elapsed.TotalSeconds < seconds; count++)
            {
                var bytes = new byte[16];
                BitConverter.TryWriteBytes(bytes, ((long)worker << 32) | (uint)count);
                await ledger.AppendAsync(
                    [RowCodec.ToEntry(new VoucherAccepted(voucher, RequestId.FromBytes(bytes), 0, 1))]);
            }

            return count;
        }));
        var (elapsed, all) = (clock.Elapsed.TotalSeconds, counts.Sum());
        cpu = Process.GetCurrentProcess().TotalProcessorTime - cpu;
        return (all / elapsed, cpu.TotalMicroseconds / all);
    }
}
