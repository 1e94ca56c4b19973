using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Souk.Cli.Up;

/// <summary>Tells another process to stop in order, as Ctrl-C would.</summary>
internal static partial class StopSignal
{
    private const int Terminate = 15;

    /// <summary>True where the process was told; Windows has no such signal, so there it is ended.</summary>
    public static bool Send(int pid)
    {
        if (!OperatingSystem.IsWindows())
        {
            return Kill(pid, Terminate) == 0;
        }

        using var process = Process.GetProcessById(pid);
        process.Kill();
        return true;
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);
}
