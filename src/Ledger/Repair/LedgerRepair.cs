using System.Globalization;
using Microsoft.Data.Sqlite;
using Souk.Ledger.Books;
using Souk.Ledger.Sqlite;

namespace Souk.Ledger.Repair;

/// <summary>What is left of a ledger.</summary>
/// <param name="Why">What is wrong with it; null where it is whole.</param>
/// <param name="Kept">Rows that are sound and say something.</param>
/// <param name="Lost">Rows that are gone or damaged, as ranges of sequence numbers.</param>
/// <param name="Unfit">Sound rows that say nothing without lost ones.</param>
/// <param name="Doubts">Money that is no longer explained.</param>
/// <param name="Book">What the kept rows add up to.</param>
public sealed record LedgerFindings<TBook>(
    LedgerException? Why, long Kept, IReadOnlyList<(long First, long Last)> Lost, long Unfit,
    IReadOnlyList<MoneyInDoubt> Doubts, TBook Book);

/// <summary>Looks at a ledger that no process has open, and makes one of what is left of a damaged one.</summary>
public static class LedgerRepair
{
    /// <summary>Tells what is left, changing nothing.</summary>
    /// <exception cref="LedgerInUseException">A role has it open.</exception>
    /// <exception cref="LedgerFormatException">It is no ledger, or a later version's.</exception>
    public static Task<LedgerFindings<TBook>> CheckAsync<TBook>(string path, Mender<TBook> mender, ulong nowMs)
        where TBook : class, IBook<TBook> => LookAsync(path, mender, nowMs, null);

    /// <summary>
    /// Puts a new ledger in the place of a damaged one: its sound rows, and what a mender makes of those that do not
    /// follow. The damaged files stay beside it under a name with <c>.damaged-</c>. A whole ledger is left alone.
    /// </summary>
    /// <exception cref="LedgerInUseException">A role has it open.</exception>
    /// <exception cref="LedgerException">The new ledger cannot be written; the old one is as it was.</exception>
    public static async Task<LedgerFindings<TBook>> RepairAsync<TBook>(
        string path, Mender<TBook> mender, ulong nowMs)
        where TBook : class, IBook<TBook>
    {
        var fresh = path + ".repaired";
        Remove(fresh);
        LedgerFindings<TBook> found;
        await using (var target = SqliteLedger.Open(fresh))
        {
            found = await LookAsync(path, mender, nowMs, target);
        }

        if (found.Why is not null)
        {
            // From here on a crash leaves files that are refused as damaged, or the new ones.
            using var held = LedgerFile.Take(path);
            var aside = string.Create(CultureInfo.InvariantCulture, $"{path}.damaged-{nowMs}");
            foreach (var end in (string[])["", "-wal", ".mark"])
            {
                if (File.Exists(path + end))
                {
                    File.Copy(path + end, aside + end);
                }
            }

            File.Delete(path + "-wal");
            File.Delete(path + "-shm");
            File.Move(fresh, path, overwrite: true);
            File.Move(fresh + ".mark", path + ".mark", overwrite: true);
        }

        Remove(fresh);
        return found;
    }

    private static async Task<LedgerFindings<TBook>> LookAsync<TBook>(
        string path, Mender<TBook> mender, ulong nowMs, ILedger? target)
        where TBook : class, IBook<TBook>
    {
        var known = 0L;
        LedgerException? why = null;
        try
        {
            await using var whole = SqliteLedger.Open(path);
            var journal = await Journal.OpenAsync<TBook>(whole, CancellationToken.None);
            return new LedgerFindings<TBook>(null, whole.Sequence, [], 0, [], journal.Book);
        }
        catch (LedgerException wrong) when (wrong is LedgerCorruptException or LedgerBehindException
            or LedgerFormatException { InnerException: SqliteException })
        {
            why = wrong;
            known = wrong is LedgerBehindException behind ? behind.Known : 0;
        }

        var rescue = new Rescue<TBook>(mender, nowMs, target);
        using (var held = LedgerFile.Take(path))
        using (var damaged = DamagedFile.Of(path))
        {
            known = Math.Max(known, Math.Max(damaged.Last, held.Mark.Read()?.Sequence ?? 0));
            var sound = new SoundRows();
            var next = damaged.Row(1);
            for (var at = 1L; at <= known; at++)
            {
                (var row, next) = (next, damaged.Row(at + 1));
                await rescue.TakeAsync(at, sound.Take(row, next) ? row : null, row is null ? null : damaged.Note(at));
            }
        }

        return await rescue.FinishAsync(why!);
    }

    private static void Remove(string fresh)
    {
        foreach (var end in (string[])["", "-wal", "-shm", ".mark", ".lock"])
        {
            File.Delete(fresh + end);
        }
    }
}
