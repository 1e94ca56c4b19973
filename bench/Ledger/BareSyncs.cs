using System.Diagnostics;

/// <summary>The disk without a ledger: what SQLite does to its log at a commit, and nothing else.</summary>
internal static class BareSyncs
{
    private const int Header = 32;

    /// <summary>
    /// Commits a second, one after another: so many frames on average, each written as SQLite writes it (24 bytes of
    /// header, then a page of 4,096), and one fsync; round and round over as many frames as SQLite's log has.
    /// </summary>
    /// <remarks>.NET's flush to disk is fsync on Linux, which is what SQLite's library in use calls as well.</remarks>
    public static double Rate(string path, double framesPerCommit, double seconds)
    {
        var (head, page) = (new byte[WalCounts.FrameHeader], new byte[WalCounts.Page]);
        Random.Shared.NextBytes(page);
        using var file = new FileStream(
            path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 0, FileOptions.DeleteOnClose);
        var frame = 0L;
        void Write()
        {
            var at = Header + (frame++ % WalCounts.FramesPerRound * (WalCounts.FrameHeader + WalCounts.Page));
            RandomAccess.Write(file.SafeFileHandle, head, at);
            RandomAccess.Write(file.SafeFileHandle, page, at + WalCounts.FrameHeader);
        }

        // Room that is there already, as in a log that has been through its first round: growing costs the disk more.
        while (frame < WalCounts.FramesPerRound)
        {
            Write();
        }

        RandomAccess.FlushToDisk(file.SafeFileHandle);
        var (clock, commits) = (Stopwatch.StartNew(), 0);
        for (frame = 0; clock.Elapsed.TotalSeconds < seconds; commits++)
        {
            while (frame < (commits + 1) * framesPerCommit)
            {
                Write();
            }

            RandomAccess.FlushToDisk(file.SafeFileHandle);
        }

        return commits / clock.Elapsed.TotalSeconds;
    }
}
