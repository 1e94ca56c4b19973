using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Souk.Contracts.Tests;

/// <summary>A first build on a machine without Node, or with an old one, says so in a sentence.</summary>
public sealed class NodeTests : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("souk-node-").FullName;

    public void Dispose() => Directory.Delete(_path, recursive: true);

    [Theory]
    [InlineData(null, "SOUK002", "no 'node' was found on PATH")]
    [InlineData("18.19.1", "SOUK001", "the 'node' found on PATH is older")]
    [InlineData("20.0.0", null, null)]
    public async Task A_build_tells_a_missing_and_an_old_node_apart(string? version, string? code, string? said)
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("It takes a shell.");
            return;
        }

        // Besides node, a build asks PATH for a shell.
        File.CreateSymbolicLink(Path.Combine(_path, "sh"), "/bin/sh");
        if (version is not null)
        {
            // The real one, with another word for its version.
            var node = Path.Combine(_path, "node");
            var real = await Command.RunAsync("node", Command.Folder, "-p", "process.execPath");
            await File.WriteAllTextAsync(
                node,
                "#!/bin/sh\nexec '" + real.Output.Trim()
                + $"' -e \"Object.defineProperty(process.versions, 'node', {{ value: '{version}' }}); $2\"\n");
            File.SetUnixFileMode(node, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        var (exit, output) = await CheckAsync();

        Assert.Equal(code is null ? 0 : 1, exit);
        Assert.Contains(code ?? "", output, StringComparison.Ordinal);
        Assert.Contains(said ?? "", output, StringComparison.Ordinal);
        Assert.Equal(code is not null, output.Contains("https://nodejs.org", StringComparison.Ordinal));
    }

    private async Task<(int Exit, string Output)> CheckAsync()
    {
        var dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..",
            "dotnet"));
        var start = new ProcessStartInfo(
            dotnet, ["msbuild", "Souk.Contracts.csproj", "-t:CheckNode", "-nologo", "-nodeReuse:false"])
        {
            WorkingDirectory = Command.Folder, RedirectStandardOutput = true,
        };
        start.Environment["PATH"] = _path;
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output);
    }
}
