using System.Diagnostics;
using Souk.Cli.State;

namespace Souk.Cli.Up;

/// <summary>Which process runs a data directory, so that others find it and a later run can clean up after it.</summary>
internal sealed record RunningFile(int Pid, long StartedTicks, Ports Ports, int AnvilPid, int AnvilPort)
{
    /// <summary>The run that is alive now, or null; what a dead one left is told by <paramref name="left"/>.</summary>
    public static RunningFile? Find(DataDirectory data, out RunningFile? left)
    {
        left = DataDirectory.ReadJson<RunningFile>(data.Running);
        if (left is null || !left.IsAlive())
        {
            return null;
        }

        var alive = left;
        left = null;
        return alive;
    }

    /// <summary>This process, as it writes itself down.</summary>
    public static RunningFile Current(Ports ports, int anvilPid, int anvilPort)
    {
        using var self = Process.GetCurrentProcess();
        return new RunningFile(self.Id, self.StartTime.ToUniversalTime().Ticks, ports, anvilPid, anvilPort);
    }

    // A killed process stays in the table until its parent collects it; in a container that may be never.
    private static bool IsZombie(int pid)
    {
        var path = $"/proc/{pid}/stat";
        if (!File.Exists(path))
        {
            return false;
        }

        var stat = File.ReadAllText(path);
        var state = stat.LastIndexOf(')') + 2;
        return state < stat.Length && stat[state] == 'Z';
    }

    /// <summary>True while the process that wrote this lives; its id may have gone to another, so its start time counts.</summary>
    public bool IsAlive()
    {
        try
        {
            using var process = Process.GetProcessById(Pid);
            return !process.HasExited && !IsZombie(Pid)
                && Math.Abs(process.StartTime.ToUniversalTime().Ticks - StartedTicks) < TimeSpan.TicksPerSecond * 2;
        }
        catch (Exception gone) when (gone is ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
