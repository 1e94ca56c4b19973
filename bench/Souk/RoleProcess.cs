using System.Diagnostics;
using System.Globalization;

namespace Souk.Bench;

/// <summary>What a process has used.</summary>
internal sealed record Usage(double CpuMicroseconds, double ResidentBytes, double ManagedBytes);

/// <summary>A role in a process of its own: this program again, told over a pipe who to be.</summary>
internal sealed class RoleProcess : IAsyncDisposable
{
    private readonly Process _process;

    private RoleProcess(Process process) => _process = process;

    public static async Task<RoleProcess> StartAsync(RoleSpec spec)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["role"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        };
        var role = new RoleProcess(Process.Start(start)!);
        var ready = await role.AskAsync(spec.ToLine());
        return ready == "ready" ? role : throw new InvalidOperationException($"The {spec.Role} did not start: {ready}");
    }

    public async Task<string> AskAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
        return await _process.StandardOutput.ReadLineAsync() ?? "it ended";
    }

    public async Task<Usage> UseAsync()
    {
        var words = (await AskAsync("use")).Split(' ');
        return new Usage(Number(words[0]), Number(words[1]), Number(words[2]));
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
