using System.Globalization;

namespace Souk.Cli.Doctor;

/// <summary>Which process listens on a port of this machine, as Linux tells it in /proc.</summary>
internal static class PortOwner
{
    private static readonly string[] Tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    private const string Listening = "0A";
    private const int PortField = 1;
    private const int StateField = 3;
    private const int InodeField = 9;

    /// <summary>The process and its name, such as <c>nginx (1234)</c>; null where that cannot be seen.</summary>
    public static string? Of(int port)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        var wanted = Inodes(port).Select(inode => $"socket:[{inode}]").ToHashSet(StringComparer.Ordinal);
        return wanted.Count == 0
            ? null
            : Directory.EnumerateDirectories("/proc").Where(path => Path.GetFileName(path).All(char.IsAsciiDigit))
                .Where(path => Holds(path, wanted)).Select(Describe).FirstOrDefault();
    }

    private static IEnumerable<string> Inodes(int port)
    {
        var suffix = string.Create(CultureInfo.InvariantCulture, $":{port:X4}");
        return Tables.Where(File.Exists)
            .SelectMany(table => File.ReadLines(table).Skip(1))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields.Length > InodeField && fields[StateField] == Listening
                && fields[PortField].EndsWith(suffix, StringComparison.Ordinal))
            .Select(fields => fields[InodeField]);
    }

    private static bool Holds(string process, HashSet<string> sockets)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries(Path.Combine(process, "fd"))
                .Any(link => new FileInfo(link).LinkTarget is { } target && sockets.Contains(target));
        }
        catch (Exception hidden) when (hidden is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string Describe(string process)
    {
        try
        {
            return $"{File.ReadAllText(Path.Combine(process, "comm")).Trim()} ({Path.GetFileName(process)})";
        }
        catch (IOException)
        {
            return $"process {Path.GetFileName(process)}";
        }
    }
}
