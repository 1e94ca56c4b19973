using System.Text;
using Microsoft.Data.Sqlite;
using Souk.Ledger.Sqlite;

namespace Souk.Ledger.Tests.Sqlite;

public sealed class SqliteLedgerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("souk-ledger-").FullName;

    private string LedgerPath => Path.Combine(_folder, "deep", "ledger.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_files_are_readable_by_their_owner_alone()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no file mode.");
        await using var ledger = SqliteLedger.Open(LedgerPath);
        await AppendAsync(ledger, 3);
        var files = Directory.GetFiles(Path.GetDirectoryName(LedgerPath)!);
        Assert.Contains(files, file => file.EndsWith("-wal", StringComparison.Ordinal));
        Assert.All(files, file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, ModeOf(file)));
    }

    [Fact]
    public async Task A_file_with_a_wider_mode_is_narrowed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no file mode.");
        await SqliteLedger.Open(LedgerPath).DisposeAsync();
        SetMode(LedgerPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        await SqliteLedger.Open(LedgerPath).DisposeAsync();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, ModeOf(LedgerPath));
    }

    [Fact]
    public async Task The_log_is_synced_at_every_commit()
    {
        await SqliteLedger.Open(LedgerPath).DisposeAsync();
        using var connection = new SqliteConnection($"Data Source={LedgerPath};Pooling=False");
        connection.Open();
        LedgerSchema.Prepare(connection);
        using var command = connection.CreateCommand();
        command.CommandText =
            "SELECT j.journal_mode, s.synchronous FROM pragma_journal_mode j, pragma_synchronous s";
        using var reader = command.ExecuteReader();
        Assert.True(reader.Read());
        Assert.Equal("wal", reader.GetString(0));
        Assert.Equal(2, reader.GetInt64(1)); // FULL, by sqlite.org/pragma.html#pragma_synchronous.
    }

    [Fact]
    public async Task A_version_that_is_not_known_is_refused()
    {
        await SqliteLedger.Open(LedgerPath).DisposeAsync();
        Change("UPDATE format SET version = 3");
        var refused = Assert.Throws<LedgerFormatException>(() => SqliteLedger.Open(LedgerPath));
        Assert.Contains("format version 3", refused.Message, StringComparison.Ordinal);
        Change("DELETE FROM format");
        Assert.Throws<LedgerFormatException>(() => SqliteLedger.Open(LedgerPath));
    }

    [Fact]
    public void Another_SQLite_file_is_not_taken_for_a_ledger()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(LedgerPath)!);
        Change("CREATE TABLE recipes (name TEXT)");
        var refused = Assert.Throws<LedgerFormatException>(() => SqliteLedger.Open(LedgerPath));
        Assert.Contains("not a ledger", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_database_is_not_taken_for_a_ledger()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(LedgerPath)!);
        var text = new string('x', 5000);
        File.WriteAllText(LedgerPath, text);
        Assert.Throws<LedgerFormatException>(() => SqliteLedger.Open(LedgerPath));
        Assert.Equal(text, File.ReadAllText(LedgerPath));
    }

    [Fact]
    public async Task A_refused_opening_leaves_the_file_free_for_the_next()
    {
        await SqliteLedger.Open(LedgerPath).DisposeAsync();
        Change("UPDATE format SET version = 3");
        Assert.Throws<LedgerFormatException>(() => SqliteLedger.Open(LedgerPath));
        Change("UPDATE format SET version = 2");
        await SqliteLedger.Open(LedgerPath).DisposeAsync();
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_reported()
    {
        Directory.CreateDirectory(_folder);
        await File.WriteAllTextAsync(Path.Combine(_folder, "deep"), "a file where a folder should be");
        Assert.Throws<LedgerFailedException>(() => SqliteLedger.Open(LedgerPath));
    }

    [Fact]
    public async Task Every_byte_of_a_row_is_guarded()
    {
        await using (var ledger = SqliteLedger.Open(LedgerPath))
        {
            await AppendAsync(ledger, 9);
        }

        var whole = await File.ReadAllBytesAsync(LedgerPath);
        var at = whole.AsSpan().IndexOf("body of row 5"u8);
        Assert.True(at > 0);
        // From the row's kind to its hash: the length of what lies between is known from the body and the hash.
        for (var i = at - 8; i < at + 13 + 32; i++)
        {
            var flipped = whole.ToArray();
            flipped[i] ^= 0x10;
            await File.WriteAllBytesAsync(LedgerPath, flipped);
            var corrupt = Assert.Throws<LedgerCorruptException>(() => SqliteLedger.Open(LedgerPath));
            Assert.Equal(5, corrupt.Sequence);
        }

        await File.WriteAllBytesAsync(LedgerPath, whole);
        await SqliteLedger.Open(LedgerPath).DisposeAsync();
    }

    [Fact]
    public async Task No_flipped_byte_anywhere_in_the_file_changes_what_is_read()
    {
        var expected = new List<string>();
        await using (var ledger = SqliteLedger.Open(LedgerPath))
        {
            await AppendAsync(ledger, 5);
            expected.AddRange(await BodiesAsync(ledger));
        }

        var whole = await File.ReadAllBytesAsync(LedgerPath);
        var random = new Random(12);
        var refused = 0;
        for (var i = 0; i < 600; i++)
        {
            var flipped = whole.ToArray();
            // Two thirds of the flips hit bytes in use; the middle of a page is free space.
            var at = i % 3 == 0 ? random.Next(whole.Length) : PositionInUse(whole, random);
            flipped[at] ^= (byte)(1 << random.Next(8));
            await File.WriteAllBytesAsync(LedgerPath, flipped);
            try
            {
                await using var ledger = SqliteLedger.Open(LedgerPath);
                Assert.Equal(expected, await BodiesAsync(ledger));
                Assert.Equal(expected.Count, (await ledger.FindAsync("key", CancellationToken.None)).Count);
            }
            catch (LedgerException)
            {
                refused++;
            }
        }

        Assert.True(refused > 200, $"Only {refused} of 600 flips were noticed.");
    }

    [Theory]
    [InlineData("DELETE FROM row WHERE sequence = 4", 4)]
    [InlineData("DELETE FROM row WHERE sequence = 1", 1)]
    [InlineData("UPDATE row SET kind = 'other' WHERE sequence = 6", 6)]
    [InlineData("UPDATE row SET key = 'other' WHERE sequence = 7", 7)]
    [InlineData("UPDATE row SET body = 'text' WHERE sequence = 3", 3)]
    [InlineData("UPDATE row SET hash = x'00' WHERE sequence = 2", 2)]
    [InlineData("UPDATE row SET sequence = 100 WHERE sequence = 9", 9)]
    public async Task A_row_changed_by_hand_is_named(string statement, long sequence)
    {
        await using (var ledger = SqliteLedger.Open(LedgerPath))
        {
            await AppendAsync(ledger, 9);
        }

        Change(statement);
        Assert.Equal(
            sequence, Assert.Throws<LedgerCorruptException>(() => SqliteLedger.Open(LedgerPath)).Sequence);
    }

    [Fact]
    public async Task A_row_changed_while_the_ledger_is_open_is_noticed_by_every_reader()
    {
        await using var ledger = SqliteLedger.Open(LedgerPath);
        await AppendAsync(ledger, 9);
        Change("UPDATE row SET body = x'00' WHERE sequence = 5");
        var found = await Assert.ThrowsAsync<LedgerCorruptException>(
            () => ledger.FindAsync("key", CancellationToken.None));
        Assert.Equal(5, found.Sequence);
        Assert.Equal(5, (await Assert.ThrowsAsync<LedgerCorruptException>(() => BodiesAsync(ledger))).Sequence);
    }

    [Fact]
    public async Task Concurrent_appends_share_commits()
    {
        await using var ledger = SqliteLedger.Open(LedgerPath);
        await AppendAsync(ledger, 1);
        var before = WalBytes();
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => ledger.AppendAsync([Entry($"{i}")])));
        var grouped = WalBytes() - before;
        Assert.Equal(201, ledger.Sequence);
        // A commit writes at least two pages of 4 KiB to the log, so 200 single ones would write 1.6 MB.
        Assert.True(grouped < 800_000, $"200 appends wrote {grouped} bytes.");
    }

    internal static UnixFileMode ModeOf(string file) =>
        OperatingSystem.IsWindows() ? UnixFileMode.None : File.GetUnixFileMode(file);

    private static void SetMode(string file, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, mode);
        }
    }

    private static int PositionInUse(byte[] whole, Random random)
    {
        int at;
        do
        {
            at = random.Next(whole.Length);
        }
        while (whole[at] == 0);
        return at;
    }

    private static LedgerEntry Entry(string body) => new("kind", "key", Encoding.UTF8.GetBytes(body));

    private static async Task AppendAsync(SqliteLedger ledger, int rows)
    {
        for (var i = 1; i <= rows; i++)
        {
            await ledger.AppendAsync([Entry($"body of row {i}")]);
        }
    }

    private static async Task<List<string>> BodiesAsync(SqliteLedger ledger)
    {
        var bodies = new List<string>();
        await foreach (var row in ledger.ReadAsync(0, CancellationToken.None))
        {
            bodies.Add(Encoding.UTF8.GetString(row.Body.Span));
        }

        return bodies;
    }

    private long WalBytes() => new FileInfo(LedgerPath + "-wal").Length;

    private void Change(string statement)
    {
        using var connection = new SqliteConnection($"Data Source={LedgerPath};Pooling=False");
        connection.Open();
        LedgerSchema.Execute(connection, statement);
    }
}
