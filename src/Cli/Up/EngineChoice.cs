using Souk.Engines;
using Souk.Engines.Onnx;
using Souk.Engines.Upstream;
using Souk.Protocol;

namespace Souk.Cli.Up;

/// <summary>Which engine a provider sells: a model directory in this process, or an OpenAI-compatible server.</summary>
internal sealed record EngineChoice
{
    private const string Demo = "models/demo/model";
    private const string DemoName = "souk-demo";

    /// <summary>The model directory; null for the demo model.</summary>
    public string? Directory { get; init; }

    /// <summary>The .onnx file, relative to the directory; null for the usual one.</summary>
    public string? OnnxFile { get; init; }

    /// <summary>The server's base URL; null for a model directory.</summary>
    public string? Upstream { get; init; }

    /// <summary>The server's model; null for its only one.</summary>
    public string? UpstreamModel { get; init; }

    /// <summary>File with the server's API key.</summary>
    public string? UpstreamKeyFile { get; init; }

    /// <summary>PEM file with certificates to trust for the server.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>What the server can do; null tries it.</summary>
    public IReadOnlyList<string>? Features { get; init; }

    /// <summary>The upstream model's one file.</summary>
    public string? ModelFile { get; init; }

    /// <summary>Folder of the upstream model's tokenizer.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>Greatest prompt and output of the upstream.</summary>
    public int? Context { get; init; }

    /// <summary>Greatest answer of the upstream; null for the context.</summary>
    public int? MaxOutput { get; init; }

    /// <summary>Requests that the engine or upstream works on at the same time.</summary>
    public int Concurrency { get; init; } = 16;

    /// <summary>Threads of one pass of an ONNX model; 0 lets the engine choose.</summary>
    public int Threads { get; init; }

    /// <summary>Tokens whose keys and values an ONNX model holds; null lets the engine choose.</summary>
    public long? KvTokens { get; init; }

    /// <summary>Requests that may wait for a place in an ONNX model's batches.</summary>
    public int Waiting { get; init; } = 64;

    /// <summary>The public name; null for the model's own.</summary>
    public string? Name { get; init; }

    private bool HasServerOptions =>
        (UpstreamModel ?? UpstreamKeyFile ?? CertificateFile ?? ModelFile ?? Tokenizer) is not null
        || (Context ?? MaxOutput) is not null || Features is not null;

    /// <summary>Loads or connects it.</summary>
    public async Task<Result<LoadedEngine>> LoadAsync(CancellationToken cancellation)
    {
        if (Upstream is null && HasServerOptions)
        {
            return new Refusal(
                Fault.Theirs, "upstream_missing",
                "There are options of a server, but no server: give --upstream URL, or leave them out.");
        }

        try
        {
            return Upstream is { } url ? await ConnectAsync(url, cancellation) : await OpenAsync(cancellation);
        }
        catch (EngineException failed)
        {
            return failed.ToRefusal();
        }
        catch (Exception wrong) when (wrong is ArgumentException or IOException or UnauthorizedAccessException)
        {
            return new Refusal(Fault.Theirs, "engine_options", wrong.Message);
        }
    }

    private async Task<Result<LoadedEngine>> ConnectAsync(string url, CancellationToken cancellation)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address))
        {
            return new Refusal(
                Fault.Theirs, "upstream_url",
                $"'{url}' is no URL; give the server's base, such as http://127.0.0.1:11434/v1.");
        }

        IEngine engine = await UpstreamEngine.ConnectAsync(
            new UpstreamOptions
            {
                BaseUrl = address, Model = UpstreamModel, Name = Name, ApiKeyFile = UpstreamKeyFile,
                CertificateFile = CertificateFile, Features = Features, ModelFile = ModelFile,
                TokenizerDirectory = Tokenizer, Context = Context, MaxOutput = MaxOutput,
                Concurrency = Concurrency,
            },
            TimeProvider.System,
            cancellation);
        return new LoadedEngine(engine);
    }

    private async Task<Result<LoadedEngine>> OpenAsync(CancellationToken cancellation)
    {
        var folder = Directory ?? Repository.Find(Demo);
        if (folder is null)
        {
            return new Refusal(
                Fault.Ours, "model_missing",
                $"The demo model ({Demo}) was not found; run from the source tree, or give --model DIR or --upstream "
                    + "URL.");
        }

        IEngine engine = await LocalEngine.LoadAsync(
            new OnnxEngineOptions
            {
                Directory = folder,
                OnnxFile = OnnxFile,
                Name = Name ?? (Directory is null ? DemoName : null),
                Threads = Threads, Concurrency = Concurrency, KvTokens = KvTokens, Waiting = Waiting,
            },
            cancellation);
        return new LoadedEngine(engine);
    }
}

/// <summary>An engine that is ready to be sold.</summary>
internal sealed record LoadedEngine(IEngine Engine);
