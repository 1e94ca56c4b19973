using System.Runtime.InteropServices;

namespace Souk.Bench;

/// <summary>CPU time of another process. Linux tells it to the nanosecond by the process's own clock
/// (clock_getcpuclockid(3)), and in hundredths of a second everywhere else.</summary>
internal static partial class ProcessClock
{
    private const int ScheduledTime = 2;

    public static double Microseconds(RoleProcess process)
    {
        // The clock's number as the kernel makes it: the complement of the process, and which of its clocks.
        var clock = (~process.Id << 3) | ScheduledTime;
        return OperatingSystem.IsLinux() && GetTime(clock, out var time) == 0
            ? (time.Seconds * 1e6) + (time.Nanoseconds / 1e3) : process.Use().CpuMicroseconds;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, out Time time);

    private readonly struct Time
    {
        public readonly nint Seconds;
        public readonly nint Nanoseconds;
    }
}
