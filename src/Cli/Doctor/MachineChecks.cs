using System.Diagnostics;
using System.Net;
using Souk.Cli.State;
using Souk.Cli.Up;
using Souk.Ledger;
using Souk.Ledger.Sqlite;

namespace Souk.Cli.Doctor;

/// <summary>Checks that need nothing but this machine.</summary>
internal static class MachineChecks
{
    private const int LeastNode = 20;
    private static readonly TimeSpan ProgramPatience = TimeSpan.FromSeconds(10);

    /// <summary>The data folder is private.</summary>
    public static Finding Folder(DataDirectory data)
    {
        const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        return !OperatingSystem.IsWindows() && (File.GetUnixFileMode(data.Root) & Others) != 0
            ? Finding.Problem(
                "data folder", $"{data.Root} is open to other accounts of this machine", $"chmod 700 {data.Root}")
            : Finding.Ok("data folder", data.Root);
    }

    /// <summary>Node, which the build takes anvil and the contracts' compiler from.</summary>
    public static async Task<Finding> NodeAsync(string program, TimeProvider time, CancellationToken cancellation)
    {
        var text = await OutputAsync(program, "--version", time, cancellation);
        return text is null
            ? Finding.Problem(
                "node", "Node is not installed", $"Install Node {LeastNode} or newer; 'souk up' needs it.")
            : int.TryParse(text.TrimStart('v').Split('.')[0], out var major) && major >= LeastNode
                ? Finding.Ok("node", text)
                : Finding.Problem("node", $"Node {text} is too old", $"Install Node {LeastNode} or newer.");
    }

    /// <summary>anvil, which 'souk up' runs.</summary>
    public static async Task<Finding> AnvilAsync(string? path, TimeProvider time, CancellationToken cancellation)
    {
        const string Advice = "Run 'npm ci' in contracts/ (a build does it), or name the program in SOUK_ANVIL. Only "
            + "'souk up' needs it.";
        return path is null
            ? Finding.Problem("anvil", "anvil was not found", Advice)
            : await OutputAsync(path, "--version", time, cancellation) is { } version
                ? Finding.Ok("anvil", version.Split('\n')[0])
                : Finding.Problem("anvil", $"{path} does not run", Advice);
    }

    /// <summary>Each port is free, or ours.</summary>
    /// <param name="data">The data folder.</param>
    /// <param name="chosen">Ports to look at; null for those of what runs here, or the usual ones where nothing does.
    /// </param>
    public static IEnumerable<Finding> Ports(DataDirectory data, Ports? chosen)
    {
        var running = RunningFile.All(data);
        return chosen is null && running.Count > 0
            ? running.SelectMany(found => Ports(running, found.Run.Ports))
            : Ports(running, chosen ?? Up.Ports.Default);
    }

    private static IEnumerable<Finding> Ports(IReadOnlyList<(string Role, RunningFile Run)> running, Ports chosen)
    {
        foreach (var (name, port) in new[]
        {
            ("gateway", chosen.Gateway), ("admin", chosen.Admin), ("provider", chosen.Provider),
            ("indexer", chosen.Indexer), ("chain", chosen.Rpc), ("watchtower", chosen.Watch),
        })
        {
            if (port == 0)
            {
                continue;
            }

            var label = FormattableString.Invariant($"port {port}");
            var ours = running.FirstOrDefault(found => Uses(found.Run.Ports, port));
            if (ours.Run is not null)
            {
                yield return Finding.Ok(label, $"used by this folder's own {ours.Role} (process {ours.Run.Pid})");
            }
            else if (Up.Ports.IsFree(IPAddress.Loopback, port))
            {
                yield return Finding.Ok(label, $"free for the {name}");
            }
            else
            {
                yield return Finding.Problem(
                    label, $"taken by {PortOwner.Of(port) ?? "another process"}",
                    $"Stop it, or choose another port for the {name} with --port-base or --port.");
            }
        }
    }

    /// <summary>A ledger opens and its hash chain is whole, or its own process has it.</summary>
    public static async Task<Finding?> LedgerAsync(DataDirectory data, string role, CancellationToken cancellation)
    {
        var path = data.Ledger(role);
        var name = $"{role} ledger";
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            await using var ledger = SqliteLedger.Open(path);
            long rows = 0;
            await foreach (var _ in ledger.ReadAsync(0, cancellation))
            {
                rows++;
            }

            return Finding.Ok(name, FormattableString.Invariant($"{rows} rows, unbroken"));
        }
        catch (LedgerInUseException) when (RunningFile.Find(data, role) is { } running)
        {
            return Finding.Ok(name, $"in use by the running {role} (process {running.Pid})");
        }
        catch (LedgerException broken)
        {
            return Finding.Problem(name, broken.Message, "Nothing more is promised on it until then.");
        }
    }

    private static bool Uses(Ports ports, int port) =>
        port == ports.Gateway || port == ports.Admin || port == ports.Provider || port == ports.Indexer
            || port == ports.Rpc || port == ports.Watch;

    private static async Task<string?> OutputAsync(
        string program, string argument, TimeProvider time, CancellationToken cancellation)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, argument)
            {
                RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
            });
            using var patience = new CancellationTokenSource(ProgramPatience, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
            var text = await process!.StandardOutput.ReadToEndAsync(both.Token);
            await process.WaitForExitAsync(both.Token);
            return process.ExitCode == 0 ? text.Trim() : null;
        }
        catch (Exception missing) when (missing is System.ComponentModel.Win32Exception or InvalidOperationException
            || (missing is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
    }
}
