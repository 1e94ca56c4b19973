/// <summary>
/// What a loss of power may leave on the disk between one commit and the next. What was synced is there. Of what was
/// not, any sectors may be there and any not, in any order, and one may be torn. The order of SQLite's syncs is that of
/// sqlite.org/wal.html and of its source: where the log begins anew its head is synced before its frames; a commit
/// syncs the log; a checkpoint writes the database after that, and syncs it before the log begins anew.
/// </summary>
internal static class CrashStates
{
    private const int Sector = 512;
    private const int LogHead = 32;

    /// <param name="before">As the last sync left it.</param>
    /// <param name="after">As the next one leaves it.</param>
    /// <param name="random">Picks what is there.</param>
    /// <param name="most">The most boundaries in one kind of write; beyond, some are drawn.</param>
    public static IEnumerable<(string Kind, Snapshot State)> Between(
        Snapshot before, Snapshot after, Random random, int most)
    {
        var log = before.Log;
        if (!Head(before.Log).SequenceEqual(Head(after.Log)) && before.Log.Length > 0)
        {
            for (var written = 0; written <= LogHead; written += 4)
            {
                log = [.. after.Log[..written], .. before.Log[written..]];
                yield return ("head", before with { Log = log });
            }
        }

        foreach (var (kind, bytes) in Mixed(log, after.Log, random, most))
        {
            yield return (kind, before with { Log = bytes, Mark = OlderMark(before, random) });
        }

        yield return ("synced", before with { Log = after.Log });
        if (!before.Database.AsSpan().SequenceEqual(after.Database))
        {
            foreach (var (kind, bytes) in Mixed(before.Database, after.Database, random, most))
            {
                yield return ("checkpoint " + kind, before with { Log = after.Log, Database = bytes });
            }
        }

        yield return ("whole", after);
    }

    /// <summary>One bit of synced data is another than was written.</summary>
    public static Snapshot Flipped(Snapshot whole, Random random)
    {
        var bytes = (random.Next(2) == 0 && whole.Log.Length > 0 ? whole.Log : whole.Database).ToArray();
        var isLog = bytes.AsSpan().SequenceEqual(whole.Log);
        int at;
        do
        {
            // Most of a page's zeros are free room; flips there change nothing.
            at = random.Next(bytes.Length);
        }
        while (bytes[at] == 0 && random.Next(8) != 0);
        bytes[at] ^= (byte)(1 << random.Next(8));
        return isLog ? whole with { Log = bytes } : whole with { Database = bytes };
    }

    private static ReadOnlySpan<byte> Head(byte[] log) => log.AsSpan(0, Math.Min(LogHead, log.Length));

    // A mark is never synced by itself, so it may be that of any commit before, or not there.
    private static byte[] OlderMark(Snapshot before, Random random) => random.Next(4) == 0 ? [] : before.Mark;

    private static IEnumerable<(string Kind, byte[] Bytes)> Mixed(
        byte[] before, byte[] after, Random random, int most)
    {
        var changed = Changed(before, after);
        foreach (var count in Sample(changed.Count + 1, random, most))
        {
            // In order, up to a sector; then that sector torn within.
            yield return ("torn", Apply(before, after, changed.Take(count), 0));
            if (count < changed.Count)
            {
                var within = 1 + random.Next(Sector - 1);
                yield return ("torn sector", Apply(before, after, changed.Take(count + 1), within));
            }

            // In any order.
            var share = random.NextDouble();
            yield return ("unsynced", Apply(before, after, changed.Where(_ => random.NextDouble() < share), 0));
        }
    }

    private static List<int> Changed(byte[] before, byte[] after)
    {
        var changed = new List<int>();
        for (var at = 0; at < after.Length; at += Sector)
        {
            var length = Math.Min(Sector, after.Length - at);
            if (at + length > before.Length
                || !before.AsSpan(at, length).SequenceEqual(after.AsSpan(at, length)))
            {
                changed.Add(at);
            }
        }

        return changed;
    }

    private static IEnumerable<int> Sample(int count, Random random, int most) => count <= most
        ? Enumerable.Range(0, count)
        : Enumerable.Range(0, most - 2).Select(_ => random.Next(count)).Append(0).Append(count - 1);

    /// <param name="tornAfter">How much of the last sector is there; 0 for all of it.</param>
    private static byte[] Apply(byte[] before, byte[] after, IEnumerable<int> sectors, int tornAfter)
    {
        var written = sectors.ToList();
        // A file may have grown without the bytes of every sector: those read as zeros.
        var length = written.Count == 0 ? before.Length
            : Math.Max(before.Length, Math.Min(after.Length, written[^1] + Sector));
        var bytes = new byte[length];
        before.CopyTo(bytes, 0);
        for (var i = 0; i < written.Count; i++)
        {
            var at = written[i];
            var whole = Math.Min(Sector, after.Length - at);
            var part = i == written.Count - 1 && tornAfter > 0 ? Math.Min(tornAfter, whole) : whole;
            after.AsSpan(at, part).CopyTo(bytes.AsSpan(at));
        }

        return bytes;
    }
}
