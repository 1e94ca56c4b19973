using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Souk.Contracts.Tests;

/// <summary>What a program said and how it ended.</summary>
internal sealed record Outcome(int ExitCode, string Output, string Errors)
{
    /// <summary>Everything it said, for a failing test's message.</summary>
    public string Said => $"exit code {ExitCode}\n{Output}\n{Errors}";
}

/// <summary>Runs node and npm in the contracts' folder.</summary>
internal static class Command
{
    /// <summary>The contracts' folder, found from where this file was compiled.</summary>
    public static string Folder { get; } = Path.GetFullPath(Path.Combine(Here(), "..", "..", "contracts"));

    public static async Task<Outcome> RunAsync(string program, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["NO_COLOR"] = "1";
        // Costs by verb (contracts/snapshots) are compared with the committed ones, not written over them.
        start.Environment["FORGE_SNAPSHOT_EMIT"] = "false";
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new Outcome(process.ExitCode, await output, await errors);
    }

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
