using System.Diagnostics;
using System.Text;
using Souk.Ledger.Sqlite;

namespace Souk.Ledger.Tests.Sqlite;

/// <summary>A real disk that is full or cannot be written; it takes the right to mount one.</summary>
public sealed class FullDiskTests : IDisposable
{
    private const int DiskBytes = 1 << 20;
    private readonly string _disk = Directory.CreateTempSubdirectory("souk-disk-").FullName;
    private readonly bool _isMounted;

    public FullDiskTests() => _isMounted = OperatingSystem.IsLinux()
        && Run("mount", "-t", "tmpfs", "-o", $"size={DiskBytes}", "tmpfs", _disk);

    private string LedgerPath => Path.Combine(_disk, "some.ledger");

    public void Dispose()
    {
        if (_isMounted)
        {
            Run("umount", "-l", _disk);
        }

        Directory.Delete(_disk, recursive: true);
    }

    [Fact]
    public async Task A_ledger_on_a_full_disk_waits_for_room_and_loses_nothing()
    {
        Assert.SkipUnless(_isMounted, "It takes the right to mount a disk.");
        var filler = Path.Combine(_disk, "filler");
        await File.WriteAllBytesAsync(filler, new byte[DiskBytes / 2]);
        var acknowledged = new List<long>();
        Task<long> waiting;
        await using (var ledger = SqliteLedger.Open(LedgerPath))
        {
            do
            {
                waiting = AppendAsync(ledger);
                while (!waiting.IsCompleted && ledger.Obstacle is null)
                {
                    await Task.Delay(1, TestContext.Current.CancellationToken);
                }

                if (waiting.IsCompleted)
                {
                    acknowledged.Add(await waiting);
                }
            }
            while (waiting.IsCompleted);

            Assert.IsType<LedgerFullException>(ledger.Obstacle);
            Assert.True(acknowledged.Count > 5);
            var behind = AppendAsync(ledger);
            await Task.Delay(700, TestContext.Current.CancellationToken);
            Assert.False(waiting.IsCompleted);
            Assert.Equal(acknowledged.Count, ledger.Sequence);

            File.Delete(filler);
            acknowledged.Add(await waiting);
            acknowledged.Add(await behind);
            Assert.Null(ledger.Obstacle);
            acknowledged.Add(await AppendAsync(ledger));
        }

        await using var again = SqliteLedger.Open(LedgerPath);
        Assert.Equal(acknowledged.Count, again.Sequence);
        Assert.Equal(Enumerable.Range(1, acknowledged.Count).Select(row => (long)row), acknowledged);
    }

    [Fact]
    public async Task A_kill_on_a_full_disk_keeps_what_was_acknowledged()
    {
        Assert.SkipUnless(_isMounted, "It takes the right to mount a disk.");
        // The process of the campaign appends until the disk is full, and is killed there.
        var start = new ProcessStartInfo(
            "dotnet", [Path.Combine(AppContext.BaseDirectory, "Souk.Ledger.Bench.dll"), "acknowledge", LedgerPath])
        {
            RedirectStandardOutput = true,
        };
        using var child = Process.Start(start)!;
        var lines = 0;
        var reading = child.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask();
        while (await Task.WhenAny(reading, Task.Delay(3_000, TestContext.Current.CancellationToken)) == reading)
        {
            lines += (await reading)!.EndsWith(" durable", StringComparison.Ordinal) ? 1 : 0;
            reading = child.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask();
        }

        Assert.False(child.HasExited);
        child.Kill();
        await child.WaitForExitAsync(TestContext.Current.CancellationToken);
        // Without room it cannot be opened, which is said; with room all is there.
        Run("mount", "-o", $"remount,size={4 * DiskBytes}", _disk);
        await using var again = SqliteLedger.Open(LedgerPath);
        Assert.True(lines > 100);
        Assert.True(again.Sequence >= lines, $"{again.Sequence} rows are there of {lines} that were acknowledged.");
    }

    [Fact]
    public async Task A_read_only_disk_is_told_at_opening_and_nothing_on_it_changes()
    {
        Assert.SkipUnless(_isMounted, "It takes the right to mount a disk.");
        await using (var ledger = SqliteLedger.Open(LedgerPath))
        {
            await AppendAsync(ledger);
        }

        Assert.True(Run("mount", "-o", "remount,ro", _disk));
        var before = await File.ReadAllBytesAsync(LedgerPath, TestContext.Current.CancellationToken);
        var refused = Assert.ThrowsAny<LedgerException>(() => SqliteLedger.Open(LedgerPath));
        Assert.Contains(LedgerPath, refused.Message, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllBytesAsync(LedgerPath, TestContext.Current.CancellationToken));

        Assert.True(Run("mount", "-o", "remount,rw", _disk));
        await using var again = SqliteLedger.Open(LedgerPath);
        Assert.Equal(1, again.Sequence);
    }

    private static Task<long> AppendAsync(SqliteLedger ledger) =>
        ledger.AppendAsync([new LedgerEntry("kind", "key", Encoding.UTF8.GetBytes(new string('x', 20_000)))]);

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true };
            using var process = Process.Start(start)!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
