using System.Buffers.Binary;

/// <summary>What SQLite's write-ahead log says about the commits in it (sqlite.org/walformat.html).</summary>
/// <remarks>
/// Both files stay open until the ledger is closed: closing any handle to the index would drop the locks that SQLite
/// holds on it in this process.
/// </remarks>
internal sealed class WalCounts : IDisposable
{
    /// <summary>Bytes of a frame before its page.</summary>
    public const int FrameHeader = 24;

    /// <summary>Bytes of a page.</summary>
    public const int Page = 4096;

    /// <summary>Frames from which SQLite writes them back to the database and begins the log anew.</summary>
    public const int FramesPerRound = 1000;

    private const int Header = 32;
    private const int TransactionsAt = 8;

    private readonly FileStream _log;
    private readonly FileStream _index;

    public WalCounts(string ledger) => (_log, _index) = (Open(ledger + "-wal"), Open(ledger + "-shm"));

    /// <summary>How many transactions this database has had, modulo 2^32: the index counts them, in the machine's
    /// order of bytes.</summary>
    public uint Commits()
    {
        var bytes = new byte[4];
        _index.Position = TransactionsAt;
        _index.ReadExactly(bytes);
        return BitConverter.ToUInt32(bytes);
    }

    /// <summary>Frames for each commit, over the frames that the log holds, those of earlier rounds included.</summary>
    /// <remarks>A frame that ends a commit tells the size of the database; in the others that field is zero.</remarks>
    public double FramesPerCommit()
    {
        var (frames, commits) = (0, 0);
        var head = new byte[FrameHeader];
        for (long at = Header; at + FrameHeader + Page <= _log.Length; at += FrameHeader + Page, frames++)
        {
            _log.Position = at;
            _log.ReadExactly(head);
            commits += BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(4)) == 0 ? 0 : 1;
        }

        return commits == 0
            ? throw new InvalidOperationException("The log holds no commit.")
            : (double)frames / commits;
    }

    public void Dispose()
    {
        _log.Dispose();
        _index.Dispose();
    }

    private static FileStream Open(string path) =>
        new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0);
}
