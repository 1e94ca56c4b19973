using System.CommandLine;
using Souk.Cli.ModelShelf;
using Souk.Cli.State;
using Souk.Cli.Up;

namespace Souk.Cli.Commands;

/// <summary>Options that choose an engine.</summary>
internal static class EngineOptions
{
    private static readonly Option<string?> Model = new("--model")
    {
        Description =
            "Model to sell: a folder in the published ONNX layout, or a name of 'souk model list' (default: the "
            + "demo model of the source tree).",
    };

    private static readonly Option<string?> Upstream = new("--upstream")
    {
        Description = "Base URL of an OpenAI-compatible server to sell (vLLM, SGLang, llama.cpp, Ollama), such as "
            + "http://127.0.0.1:11434/v1.",
    };

    private static readonly Option<string?> UpstreamModel = new("--upstream-model")
    {
        Description = "The server's model to sell (default: its only one).",
    };

    private static readonly Option<string?> UpstreamKey = new("--upstream-key-file")
    {
        Description = "File with the server's API key.",
    };

    private static readonly Option<string?> Certificate = new("--upstream-certificate")
    {
        Description = "PEM file with a certificate to trust for an https upstream: its own where it is self-signed, or "
            + "its authority's.",
    };

    private static readonly Option<string[]?> Features = new("--upstream-feature")
    {
        Description = "What the server can do, such as tools or json_schema, once per feature (default: it is tried at "
            + "start).",
    };

    private static readonly Option<string?> ModelFile = new("--upstream-model-file")
    {
        Description = "The upstream model's one file (.gguf, Ollama blob): its SHA-256 becomes the model's identity.",
    };

    private static readonly Option<string?> Tokenizer = new("--tokenizer-dir")
    {
        Description = "Folder with the upstream model's tokenizer.json, tokenizer_config.json and chat template, for "
            + "exact counting where the server gives token ids (vLLM).",
    };

    private static readonly Option<int?> Context = new("--upstream-context")
    {
        Description = "Greatest prompt and output in tokens, where the server does not tell.",
    };

    private static readonly Option<int?> MaxOutput = new("--upstream-max-output")
    {
        Description = "Greatest answer in tokens (default: the context).",
    };

    private static readonly Option<int> Threads = new("--threads")
    {
        Description = "Threads of one pass of an ONNX model; 0 is one per core, or 1 and a pass per core for small "
            + "models.",
        DefaultValueFactory = static _ => 0,
    };

    private static readonly Option<long?> KvTokens = new("--kv-tokens")
    {
        Description = "Tokens whose keys and values an ONNX model holds at once, for running requests and reused "
            + "prompts (default: full contexts for --concurrency requests, or an eighth of the memory).",
    };

    private static readonly Option<int> Waiting = new("--waiting")
    {
        Description = "Requests that may wait for a place in an ONNX model's batches.",
        DefaultValueFactory = static _ => 64,
    };

    private static readonly Option<string?> Name = new("--name") { Description = "Public name of the model." };

    /// <summary>Gives them to a command.</summary>
    public static void AddTo(Command command)
    {
        foreach (
            var option in new Option[]
            {
                Model, Upstream, UpstreamModel, UpstreamKey, Certificate, Features, ModelFile, Tokenizer, Context,
                MaxOutput, Threads, KvTokens, Waiting, Name,
            })
        {
            command.Options.Add(option);
        }
    }

    /// <summary>What was chosen.</summary>
    public static EngineChoice Choice(ParseResult parsed)
    {
        var chosen = parsed.GetValue(Model);
        var added = chosen is null || Directory.Exists(chosen)
            ? null : new Shelf(new DataDirectory(parsed.GetValue(SharedOptions.Data)!)).Find(chosen);
        return Choice(parsed, chosen, added);
    }

    private static EngineChoice Choice(ParseResult parsed, string? chosen, ShelvedModel? added) => new()
    {
        Directory = added?.Directory ?? chosen,
        OnnxFile = added?.OnnxFile,
        Upstream = parsed.GetValue(Upstream),
        UpstreamModel = parsed.GetValue(UpstreamModel),
        UpstreamKeyFile = parsed.GetValue(UpstreamKey),
        CertificateFile = parsed.GetValue(Certificate),
        Features = parsed.GetValue(Features) is { Length: > 0 } features ? features : null,
        ModelFile = parsed.GetValue(ModelFile),
        Tokenizer = parsed.GetValue(Tokenizer),
        Context = parsed.GetValue(Context),
        MaxOutput = parsed.GetValue(MaxOutput),
        Threads = parsed.GetValue(Threads),
        KvTokens = parsed.GetValue(KvTokens),
        Waiting = parsed.GetValue(Waiting),
        Name = parsed.GetValue(Name) ?? added?.Name,
    };
}
