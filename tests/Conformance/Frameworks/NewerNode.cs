using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Souk.Conformance.Frameworks;

/// <summary>Runs a script of tests/frameworks with the Node that it pins: JSON in, JSON out.</summary>
internal static class NewerNode
{
    public static async Task<JsonElement> RunAsync(string script, JsonNode input)
    {
        var folder = Path.Combine(Places.Root, "tests", "frameworks");
        var kind = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "x64";
        var start = new ProcessStartInfo(
            Path.Combine(folder, "node_modules", $"node-linux-{kind}", "bin", "node"), [script])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // Frameworks must not send traces to anyone, whatever this machine's environment says.
        foreach (var name in new[] { "LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING", "OPENAI_API_KEY", "OPENAI_BASE_URL" })
        {
            start.Environment.Remove(name);
        }

        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(input.ToJsonString());
        process.StandardInput.Close();
        try
        {
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(8));
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }

        Assert.True(process.ExitCode == 0, await error);
        return JsonDocument.Parse(await output).RootElement;
    }
}
