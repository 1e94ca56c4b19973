using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Souk.Engines.Tests.Grammar;

/// <summary>Ajv, which shares no code with the grammars, as the judge of answers.</summary>
public static class SchemaJudge
{
    /// <summary>Null where its packages were not restored.</summary>
    public static string? Script
    {
        get
        {
            for (var up = new DirectoryInfo(AppContext.BaseDirectory); up is not null; up = up.Parent)
            {
                string folder = Path.Combine(up.FullName, "tests", "Engines.Tests", "Ajv");
                if (File.Exists(Path.Combine(folder, "judge.mjs")))
                {
                    return Directory.Exists(Path.Combine(folder, "node_modules", "ajv"))
                        ? Path.Combine(folder, "judge.mjs") : null;
                }
            }

            return null;
        }
    }

    /// <summary>For each pair "ok", or why the answer does not satisfy the schema.</summary>
    public static async Task<IReadOnlyList<string>> JudgeAsync(
        IReadOnlyList<(JsonNode Schema, string Answer)> pairs, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("node") { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.ArgumentList.Add(Script!);
        using var judge = Process.Start(start)!;
        var reading = Task.Run(
            async () =>
            {
                List<string> verdicts = [];
                while (await judge.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
                {
                    verdicts.Add(line);
                }

                return verdicts;
            },
            cancellationToken);
        foreach (var (schema, answer) in pairs)
        {
            string line = JsonSerializer.Serialize(new { schema, answer });
            await judge.StandardInput.WriteLineAsync(line.AsMemory(), cancellationToken);
        }

        judge.StandardInput.Close();
        return await reading;
    }
}
