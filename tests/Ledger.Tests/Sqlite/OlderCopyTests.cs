using System.Text;
using Souk.Ledger.Sqlite;

namespace Souk.Ledger.Tests.Sqlite;

/// <summary>A file whose rows are all sound is still refused where it is not the newest.</summary>
public sealed class OlderCopyTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("souk-older-").FullName;

    private string LedgerPath => Path.Combine(_folder, "ledger.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task An_older_copy_of_the_file_is_refused_and_the_newest_is_taken_again()
    {
        await AppendAsync(3);
        var older = await File.ReadAllBytesAsync(LedgerPath);
        await AppendAsync(4);
        var newest = await File.ReadAllBytesAsync(LedgerPath);

        await File.WriteAllBytesAsync(LedgerPath, older);
        var refused = Assert.Throws<LedgerBehindException>(() => SqliteLedger.Open(LedgerPath));
        Assert.Equal((3, 7), (refused.Sequence, refused.Known));
        Assert.Contains("older copy", refused.Message, StringComparison.Ordinal);
        Assert.Throws<LedgerBehindException>(() => SqliteLedger.Open(LedgerPath));

        await File.WriteAllBytesAsync(LedgerPath, newest);
        await AppendAsync(1);
    }

    [Fact]
    public async Task A_log_that_was_removed_after_a_crash_is_missed()
    {
        await using (var ledger = SqliteLedger.Open(LedgerPath))
        {
            await AppendAsync(ledger, 5);
            // As a crash leaves it: rows that were acknowledged are in the log alone.
            foreach (var end in (string[])["", ".mark"])
            {
                File.Copy(LedgerPath + end, LedgerPath + ".crashed" + end);
            }
        }

        var refused = Assert.Throws<LedgerBehindException>(() => SqliteLedger.Open(LedgerPath + ".crashed"));
        Assert.Equal((0, 5), (refused.Sequence, refused.Known));
    }

    [Fact]
    public async Task A_copy_that_went_on_elsewhere_is_refused()
    {
        await AppendAsync(3);
        File.Copy(LedgerPath, LedgerPath + ".other");
        await AppendAsync(2, "here");
        await using (var other = SqliteLedger.Open(LedgerPath + ".other"))
        {
            await AppendAsync(other, 9, "there");
        }

        File.Copy(LedgerPath + ".other", LedgerPath, overwrite: true);
        Assert.Equal(5, Assert.Throws<LedgerCorruptException>(() => SqliteLedger.Open(LedgerPath)).Sequence);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("souk-ledger-mark 99")]
    [InlineData(
        "nonsense that is longer than any mark could ever be, so that its end is not read at all by anyone ...")]
    public async Task Without_a_readable_mark_a_sound_file_is_taken(string? mark)
    {
        await AppendAsync(3);
        File.Delete(LedgerPath + ".mark");
        if (mark is not null)
        {
            await File.WriteAllTextAsync(LedgerPath + ".mark", mark);
        }

        await AppendAsync(1);
        Assert.Contains(" 00000000000000000004 ", await File.ReadAllTextAsync(LedgerPath + ".mark"),
            StringComparison.Ordinal);
    }

    private async Task AppendAsync(int rows, string text = "row")
    {
        await using var ledger = SqliteLedger.Open(LedgerPath);
        await AppendAsync(ledger, rows, text);
    }

    private static async Task AppendAsync(SqliteLedger ledger, int rows, string text = "row")
    {
        for (var i = 1; i <= rows; i++)
        {
            await ledger.AppendAsync([new LedgerEntry("kind", "key", Encoding.UTF8.GetBytes($"{text} {i}"))]);
        }
    }
}
