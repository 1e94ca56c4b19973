using System.Diagnostics;
using System.Text;

namespace Souk.EndToEnd.Processes;

/// <summary>What a process has used.</summary>
internal sealed record Usage(double CpuMicroseconds, double ResidentBytes);

/// <summary>A program in a process of its own: a role as a person runs it, or the upstream that it sells.</summary>
internal sealed class RoleProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private RoleProcess(Process process, string ready)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Take(line.Data, ready);
        process.ErrorDataReceived += (_, line) => Take(line.Data, ready);
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => _ready.TrySetException(new InvalidOperationException($"It ended: {_output}"));
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Runs a command of <c>souk</c> that runs until it is stopped.</summary>
    public static Task<RoleProcess> SoukAsync(params string[] arguments) =>
        StartAsync(Places.Program, arguments, "Stop with Ctrl-C");

    /// <summary>Runs a program until it prints that it is ready.</summary>
    public static async Task<RoleProcess> StartAsync(string program, IEnumerable<string> arguments, string ready)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        var role = new RoleProcess(Process.Start(start)!, ready);
        try
        {
            await role._ready.Task.WaitAsync(Patience);
            return role;
        }
        catch
        {
            await role.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends it with no chance to do anything (kill -9).</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>All that it has printed.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>The last word of the line that begins with a text.</summary>
    public string Told(string start)
    {
        lock (_output)
        {
            return _output.ToString().Split('\n').First(line => line.Trim().StartsWith(start, StringComparison.Ordinal))
                .Trim().Split(' ')[^1];
        }
    }

    /// <summary>The system's number of it.</summary>
    public int Id => _process.Id;

    /// <summary>What it has used so far; the system counts CPU in hundredths of a second.</summary>
    public Usage Use()
    {
        _process.Refresh();
        return new Usage(_process.TotalProcessorTime.TotalMicroseconds, _process.WorkingSet64);
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    private void Take(string? line, string ready)
    {
        if (line is null)
        {
            return;
        }

        lock (_output)
        {
            _output.AppendLine(line);
        }

        if (line.Contains(ready, StringComparison.Ordinal))
        {
            _ready.TrySetResult();
        }
    }
}
