/// <summary>The files of a ledger at one instant, and how many rows had been acknowledged by then.</summary>
internal sealed record Snapshot(byte[] Database, byte[] Log, byte[] Mark, int Acknowledged)
{
    public static Snapshot Of(string path, int acknowledged) =>
        new(Read(path), Read(path + "-wal"), Read(path + ".mark"), acknowledged);

    /// <summary>Puts the files where a ledger can be opened.</summary>
    public void Write(string path)
    {
        foreach (var end in (string[])["-shm", ".lock"])
        {
            File.Delete(path + end);
        }

        File.WriteAllBytes(path, Database);
        File.WriteAllBytes(path + ".mark", Mark);
        if (Log.Length > 0)
        {
            File.WriteAllBytes(path + "-wal", Log);
        }
        else
        {
            File.Delete(path + "-wal");
        }
    }

    private static byte[] Read(string path)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }
}
