using Microsoft.Data.Sqlite;

namespace Souk.Ledger.Sqlite;

/// <summary>
/// The file and the right to use it. The right is an exclusive lock on a second file beside it: SQLite's own locks
/// live on the database file, and the kernel drops them when any handle to that file is closed. The lock goes away
/// with the process, however it ends.
/// </summary>
internal sealed class LedgerFile : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly FileStream _lock;

    private LedgerFile(string path, FileStream held, LedgerMark mark)
    {
        (Path, _lock, Mark) = (path, held, mark);
    }

    public string Path { get; }

    /// <summary>Where the last row is written down beside the ledger.</summary>
    public LedgerMark Mark { get; }

    public static LedgerFile Take(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        FileStream held;
        try
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
            held = OpenPrivate(path + ".lock");
        }
        catch (UnauthorizedAccessException refused)
        {
            throw new LedgerFailedException($"The ledger {path} may not be written: {refused.Message}", refused);
        }
        catch (IOException taken) when (IsLockTaken(taken))
        {
            throw new LedgerInUseException(path, taken);
        }
        catch (IOException failure)
        {
            throw new LedgerFailedException($"The ledger {path} cannot be made: {failure.Message}", failure);
        }

        try
        {
            // SQLite gives the WAL and its index the mode of the database file.
            OpenPrivate(path).Dispose();
            return new LedgerFile(path, held, new LedgerMark(OpenPrivate(path + ".mark", FileShare.Read)));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            held.Dispose();
            throw new LedgerFailedException($"The ledger {path} cannot be opened: {failure.Message}", failure);
        }
    }

    public SqliteConnection Connect(SqliteOpenMode mode)
    {
        var settings = new SqliteConnectionStringBuilder { DataSource = Path, Mode = mode, Pooling = false };
        var connection = new SqliteConnection(settings.ToString());
        connection.Open();
        return connection;
    }

    public void Dispose()
    {
        Mark.Dispose();
        _lock.Dispose();
    }

    // The error of flock on Linux and on macOS, and of a sharing violation on Windows.
    private static bool IsLockTaken(IOException failure) =>
        failure.HResult is 11 or 35 or unchecked((int)0x8007_0020);

    private static FileStream OpenPrivate(string path, FileShare share = FileShare.None)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = share, BufferSize = 0,
        };
        if (OperatingSystem.IsWindows())
        {
            return new FileStream(path, options);
        }

        options.UnixCreateMode = OwnerOnly;
        var stream = new FileStream(path, options);
        // A file that was there already may have been made, or restored, with a wider mode.
        File.SetUnixFileMode(stream.SafeFileHandle, OwnerOnly);
        return stream;
    }
}
