using System.Diagnostics;
using Souk.Cli.State;

namespace Souk.Cli.Up;

/// <summary>Which process runs a data directory, so that others find it and a later run can clean up after
/// it.</summary>
internal sealed record RunningFile(int Pid, long StartedTicks, Ports Ports, int AnvilPid, int AnvilPort)
{
    /// <summary>Roles that run as processes of their own; <c>up</c> runs all of them in one.</summary>
    public static readonly IReadOnlyList<string> Roles = ["up", "gateway", "provider", "indexer", "watch"];

    /// <summary>The run of a role that is alive now, or null; what a dead one left is told by
    /// <paramref name="left"/>.</summary>
    public static RunningFile? Find(DataDirectory data, string role, out RunningFile? left)
    {
        left = DataDirectory.ReadJson<RunningFile>(data.Running(role));
        if (left is null || !left.IsAlive())
        {
            return null;
        }

        var alive = left;
        left = null;
        return alive;
    }

    /// <summary>The process that does a role's work here: the whole network's, or the role's own.</summary>
    public static RunningFile? Find(DataDirectory data, string role) =>
        Find(data, "up", out _) ?? Find(data, role, out _);

    /// <summary>All that run here, with the roles that they were started as.</summary>
    public static IReadOnlyList<(string Role, RunningFile Run)> All(DataDirectory data) =>
    [
        .. Roles.Select(role => (role, Run: Find(data, role, out _))).Where(found => found.Run is not null)
            .Select(found => (found.role, found.Run!)),
    ];

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

    /// <summary>True while the process that wrote this lives; its id may have gone to another, so its start time
    /// counts.</summary>
    public bool IsAlive()
    {
        try
        {
            using var process = Process.GetProcessById(Pid);
            return !process.HasExited && !IsZombie(Pid)
                && Math.Abs(process.StartTime.ToUniversalTime().Ticks - StartedTicks) < TimeSpan.TicksPerSecond * 2;
        }
        catch (Exception gone) when (
            gone is ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
