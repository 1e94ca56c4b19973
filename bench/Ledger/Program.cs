using System.Diagnostics;
using System.Globalization;
using System.Text;
using Souk.Ledger;
using Souk.Ledger.Sqlite;

// measure PATH [APPENDS] [CONCURRENCY] [NOTE_BYTES]: appends per second and CPU per append with group commit, each with
// a note of so many bytes beside its row.
// table PATH [SECONDS]: durable vouchers a second at 1, 16 and 256 concurrent requests, beside the bare rate at which
// the disk takes the same commits, as a table; takes 18 x (SECONDS + 1).
// boundaries RESULTS [COUNT] [FIRST_SEED] [MOST]: loses power at so many boundaries of a ledger's writes, and opens
// what is left; at most MOST in one write; goes on where RESULTS ends. TMPDIR on a memory disk makes it quick.
// acknowledge PATH: appends without end and prints each sequence number once it is durable; made to be killed.
return args switch
{
    ["measure", var path, .. var rest] =>
        await MeasureAsync(path, Number(rest, 0, 20_000), Number(rest, 1, 64), Number(rest, 2, 0)),
    ["table", var path, .. var rest] => await VoucherTable.PrintAsync(path, Number(rest, 0, 5)),
    ["boundaries", var results, .. var rest] =>
        await Campaign.RunAsync(results, Number(rest, 0, 10_000), Number(rest, 1, 1), Number(rest, 2, 96)),
    ["acknowledge", var path] => await AcknowledgeAsync(path),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine(
        "usage: measure PATH [APPENDS] [CONCURRENCY] [NOTE_BYTES] | table PATH [SECONDS] | boundaries RESULTS [COUNT] "
        + "[FIRST_SEED] [MOST] | acknowledge PATH");
    return 2;
}

static int Number(string[] rest, int position, int otherwise) =>
    rest.Length > position ? int.Parse(rest[position], CultureInfo.InvariantCulture) : otherwise;

static async Task<int> MeasureAsync(string path, int appends, int concurrency, int noteBytes)
{
    var note = new byte[noteBytes];
    await using var ledger = SqliteLedger.Open(path);
    var body = Encoding.UTF8.GetBytes(new string('x', 400));
    var (clock, cpu) = (Stopwatch.StartNew(), Process.GetCurrentProcess().TotalProcessorTime);
    await Task.WhenAll(Enumerable.Range(0, concurrency).Select(async worker =>
    {
        for (var i = worker; i < appends; i += concurrency)
        {
            await ledger.AppendAsync(
                [new LedgerEntry("voucher_accepted", $"{i:x32}", body)],
                noteBytes > 0 ? new LedgerNote(note, ulong.MaxValue / 2) : null);
        }
    }));
    var seconds = clock.Elapsed.TotalSeconds;
    cpu = Process.GetCurrentProcess().TotalProcessorTime - cpu;
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{appends} appends, {concurrency} at a time: {appends / seconds:F0}/s, "
        + $"{cpu.TotalMicroseconds / appends:F1} us of CPU each"));
    return 0;
}

static async Task<int> AcknowledgeAsync(string path)
{
    await using var ledger = SqliteLedger.Open(path);
    var lines = Console.Out;
    await Task.WhenAll(Enumerable.Range(0, 8).Select(async worker =>
    {
        for (var i = 0; ; i++)
        {
            var text = $"{worker}:{i}";
            var sequence = await ledger.AppendAsync([new LedgerEntry("k", text, Encoding.UTF8.GetBytes(text))]);
            lock (lines)
            {
                // The last word tells a whole line from one that was cut when the process was killed.
                lines.WriteLine($"{sequence} {text} durable");
                lines.Flush();
            }
        }
    }));
    return 0;
}
