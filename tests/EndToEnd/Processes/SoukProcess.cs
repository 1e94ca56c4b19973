using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Souk.EndToEnd.Processes;

/// <summary>
/// The program as a person runs it: <c>souk up</c> on a data folder, in a process of its own. Whatever a test does,
/// this process and its chain are gone after <see cref="DisposeAsync"/>.
/// </summary>
internal sealed class SoukProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(180);
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private SoukProcess(Process process, string data, int portBase)
    {
        (_process, Data, PortBase) = (process, data, portBase);
        process.OutputDataReceived += (_, line) => Take(line.Data);
        process.ErrorDataReceived += (_, line) => Take(line.Data);
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) =>
            _ready.TrySetException(new InvalidOperationException($"souk ended early: {Output}"));
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Its data folder.</summary>
    public string Data { get; }

    /// <summary>The gateway's port; admin, provider, indexer and chain follow.</summary>
    public int PortBase { get; }

    /// <summary>What an OpenAI client is given.</summary>
    public Uri BaseUrl => new($"http://127.0.0.1:{PortBase}/v1");

    public Uri AdminUrl => new($"http://127.0.0.1:{PortBase + 1}");

    public Uri RpcUrl => new($"http://127.0.0.1:{PortBase + 4}");

    public string ApiKey => File.ReadAllText(Path.Combine(Data, "api.key")).Trim();

    public string AdminToken => File.ReadAllText(Path.Combine(Data, "admin.token")).Trim();

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

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

    /// <summary>A new data folder, removed by whoever made it.</summary>
    public static string NewFolder() => Directory.CreateTempSubdirectory("souk-e2e-").FullName;

    /// <summary>Starts a network and waits until it is ready.</summary>
    public static async Task<SoukProcess> UpAsync(
        string data, bool isQuiet, int? portBase = null, IReadOnlyList<string>? engine = null)
    {
        var up = Begin(data, isQuiet, portBase, engine);
        try
        {
            await up._ready.Task.WaitAsync(Patience);
            return up;
        }
        catch
        {
            await up.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a network without waiting for it.</summary>
    /// <param name="engine">Options that say what is sold; null for the demo model.</param>
    public static SoukProcess Begin(
        string data, bool isQuiet, int? portBase = null, IReadOnlyList<string>? engine = null)
    {
        var start = portBase ?? Places.FivePorts();
        List<string> arguments =
        [
            "up", "--data", data, "--port-base", start.ToString(CultureInfo.InvariantCulture),
            .. engine ?? ["--model", Places.Model, "--name", "souk-demo"],
        ];
        if (isQuiet)
        {
            arguments.Add("--no-demo");
        }

        return new SoukProcess(Start(arguments), data, start);
    }

    /// <summary>Runs another command to its end.</summary>
    public static Task<(int Code, string Output)> RunAsync(params string[] arguments) => TalkAsync("", arguments);

    /// <summary>The same for a command that is told something on its input.</summary>
    public static async Task<(int Code, string Output)> TalkAsync(string input, params string[] arguments)
    {
        using var process = Start(arguments);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(Patience);
        return (process.ExitCode, await output + await error);
    }

    /// <summary>Asks it to stop, as a service manager would, and waits for it.</summary>
    public async Task<int> StopAsync()
    {
        await SignalAsync("-TERM", _process);
        return await EndedAsync();
    }

    /// <summary>As Ctrl-C, where the chain is the first to hear of it. A test runner may have been started without
    /// interrupts, which its children inherit, so the program is told otherwise.</summary>
    public async Task<int> InterruptAsync(Process chain)
    {
        await SignalAsync("-INT", chain);
        return await StopAsync();
    }

    private static async Task SignalAsync(string signal, Process process)
    {
        using var kill = Process.Start("kill", [signal, process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Waits until it has ended.</summary>
    public async Task<int> EndedAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(Patience);
        return _process.ExitCode;
    }

    /// <summary>Ends it, its chain, or both, with no chance to do anything (kill -9).</summary>
    public async Task KillAsync(bool isProgram = true, bool isChain = true)
    {
        var chain = isChain ? Chain() : null;
        if (isProgram)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        if (chain is not null)
        {
            chain.Kill();
            await chain.WaitForExitAsync();
            chain.Dispose();
        }
    }

    /// <summary>The chain's process, if this program runs it and it lives; the folder says its id, and it must be an
    /// anvil.</summary>
    public Process? Chain()
    {
        try
        {
            using var running = JsonDocument.Parse(File.ReadAllText(Path.Combine(Data, "running.json")));
            if (running.RootElement.GetProperty("pid").GetInt32() != _process.Id)
            {
                return null;
            }

            var process = Process.GetProcessById(running.RootElement.GetProperty("anvilPid").GetInt32());
            return process.ProcessName.StartsWith("anvil", StringComparison.Ordinal) ? process : null;
        }
        catch (Exception gone) when (gone is IOException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        // The chain is looked up first: an orderly end removes the file that names it.
        var chain = Chain();
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        if (chain is { HasExited: false })
        {
            chain.Kill();
            await chain.WaitForExitAsync();
        }

        chain?.Dispose();
        _process.Dispose();
    }

    private static Process Start(IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Places.Program)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
            WorkingDirectory = Places.Root,
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    private void Take(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_output)
        {
            _output.AppendLine(line);
        }

        if (line.Contains("Stop with Ctrl-C", StringComparison.Ordinal))
        {
            _ready.TrySetResult();
        }
    }
}
