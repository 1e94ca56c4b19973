using System.CommandLine;
using Souk.Cli.Up;

namespace Souk.Cli.Commands;

/// <summary>Options that choose an engine.</summary>
internal static class EngineOptions
{
    private static readonly Option<string?> Model = new("--model")
    {
        Description = "Model directory in the published ONNX layout (default: the demo model of the source tree).",
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

    private static readonly Option<string?> Name = new("--name") { Description = "Public name of the model." };

    /// <summary>Gives them to a command.</summary>
    public static void AddTo(Command command)
    {
        foreach (
            var option in new Option[] { Model, Upstream, UpstreamModel, UpstreamKey, ModelFile, Tokenizer, Context,
            MaxOutput, Name })
        {
            command.Options.Add(option);
        }
    }

    /// <summary>What was chosen.</summary>
    public static EngineChoice Choice(ParseResult parsed) => new()
    {
        Directory = parsed.GetValue(Model),
        Upstream = parsed.GetValue(Upstream),
        UpstreamModel = parsed.GetValue(UpstreamModel),
        UpstreamKeyFile = parsed.GetValue(UpstreamKey),
        ModelFile = parsed.GetValue(ModelFile),
        Tokenizer = parsed.GetValue(Tokenizer),
        Context = parsed.GetValue(Context),
        MaxOutput = parsed.GetValue(MaxOutput),
        Name = parsed.GetValue(Name),
    };
}
