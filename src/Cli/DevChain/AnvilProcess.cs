using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Souk.Cli.DevChain;

/// <summary>The anvil program, on loopback only. It mines nothing until it is told to.</summary>
internal sealed class AnvilProcess : IDisposable
{
    private readonly Process _process;

    private AnvilProcess(Process process, int port) => (_process, Port) = (process, port);

    /// <summary>Where it listens.</summary>
    public int Port { get; }

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    /// <summary>Completes when it ends.</summary>
    public Task Exited => _process.WaitForExitAsync();

    public bool HasExited => _process.HasExited;

    /// <summary>Starts it on a free port.</summary>
    /// <exception cref="FileNotFoundException">anvil is not installed; the message says what to do.</exception>
    public static AnvilProcess Start(string binary, int port, ulong chainId, ulong genesis)
    {
        var start = new ProcessStartInfo(binary)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        foreach (var argument in Arguments(port, chainId, genesis))
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start)
            ?? throw new InvalidOperationException($"{binary} did not start.");
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new AnvilProcess(process, port);
    }

    /// <summary>Where npm put the program: beside the contracts, found from the working directory or this program
    /// upwards.</summary>
    public static string? Find()
    {
        if (Environment.GetEnvironmentVariable("SOUK_ANVIL") is { Length: > 0 } given)
        {
            return File.Exists(given) ? given : null;
        }

        var platform = (OperatingSystem.IsWindows(), OperatingSystem.IsMacOS()) switch
        {
            (true, _) => "win32-amd64",
            (_, true) => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "darwin-arm64" : "darwin-amd64",
            _ => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "linux-arm64" : "linux-amd64",
        };
        var name = OperatingSystem.IsWindows() ? "anvil.exe" : "anvil";
        return Repository.Find(
            Path.Combine("contracts", "node_modules", "@foundry-rs", $"anvil-{platform}", "bin", name));
    }

    /// <summary>Ends an anvil that an earlier run left behind, if the process with that id still is one on that
    /// port.</summary>
    public static void EndOrphan(int id, int port)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            var line = OperatingSystem.IsLinux() && File.Exists($"/proc/{id}/cmdline")
                ? File.ReadAllText($"/proc/{id}/cmdline").Replace('\0', ' ')
                : process.ProcessName;
            var isOurs = line.Contains("anvil", StringComparison.Ordinal)
                && (!OperatingSystem.IsLinux()
                    || line.Contains(
                        string.Create(CultureInfo.InvariantCulture, $"--port {port} "), StringComparison.Ordinal));
            if (isOurs)
            {
                process.Kill();
                process.WaitForExit(5000);
            }
        }
        catch (Exception gone) when (
            gone is ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It has ended already.
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit(5000);
        }

        _process.Dispose();
    }

    private static string[] Arguments(int port, ulong chainId, ulong genesis) =>
    [
        "--host", "127.0.0.1",
        "--port", port.ToString(CultureInfo.InvariantCulture),
        "--chain-id", chainId.ToString(CultureInfo.InvariantCulture),
        "--timestamp", genesis.ToString(CultureInfo.InvariantCulture),
        "--no-cors",
        "--no-mining",
        "--silent",
        "--order", "fifo",
    ];
}
