using System.Diagnostics;
using System.Globalization;
using Souk.Engines.Tests.TinyModels;

namespace Souk.Engines.Tests.Upstream;

/// <summary>The npm package inference-server, on llama.cpp, serving a model that the test made: an upstream that
/// nobody here wrote.</summary>
internal sealed class LlamaServer : IAsyncDisposable
{
    private readonly Process process;
    private readonly ModelFolder folder;

    private LlamaServer(Process process, ModelFolder folder)
    {
        this.process = process;
        this.folder = folder;
    }

    /// <summary>Null where the packages were not restored.</summary>
    public static string? Script
    {
        get
        {
            for (var up = new DirectoryInfo(AppContext.BaseDirectory); up is not null; up = up.Parent)
            {
                string folder = Path.Combine(up.FullName, "tests", "Engines.Tests", "LlamaServer");
                if (File.Exists(Path.Combine(folder, "server.mjs")))
                {
                    return Directory.Exists(Path.Combine(folder, "node_modules", "inference-server"))
                        ? Path.Combine(folder, "server.mjs") : null;
                }
            }

            return null;
        }
    }

    public Uri BaseUrl { get; private set; } = null!;

    public static async Task<LlamaServer> StartAsync(TinyLlama model)
    {
        var folder = ModelFolder.Empty();
        folder.Write("tiny.gguf", TinyLlamaGguf.Write(model));
        var start = new ProcessStartInfo("node")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(Script!);
        start.ArgumentList.Add(Path.Combine(folder.Path, "tiny.gguf"));
        start.ArgumentList.Add(model.Shape.Context.ToString(CultureInfo.InvariantCulture));
        start.Environment["SOUK_CACHE"] = folder.Path;
        var server = new LlamaServer(Process.Start(start)!, folder);
        try
        {
            await server.ListenAsync().WaitAsync(TimeSpan.FromSeconds(90), TimeProvider.System);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
        folder.Dispose();
    }

    private async Task ListenAsync()
    {
        var errors = process.StandardError.ReadToEndAsync();
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            const string mark = "listening on ";
            if (line.StartsWith(mark, StringComparison.Ordinal))
            {
                BaseUrl = new Uri($"http://127.0.0.1:{line[mark.Length..]}/openai/v1");
                _ = DrainAsync(process.StandardOutput);
                return;
            }
        }

        throw new InvalidOperationException($"The server ended before it listened: {await errors}");
    }

    /// <summary>A full pipe would stop the server.</summary>
    private static async Task DrainAsync(StreamReader output)
    {
        while (await output.ReadLineAsync() is not null)
        {
        }
    }
}
