using System.CommandLine;

namespace Souk.Cli.Commands;

/// <summary>Options that choose an engine.</summary>
internal static class EngineOptions
{
    public static Option<string?> Model() => new("--model")
    {
        Description = "Model directory in the published ONNX layout (default: the demo model of the source tree).",
    };

    public static Option<string?> Upstream() => new("--upstream")
    {
        Description = "Base URL of an OpenAI-compatible server to sell (vLLM, SGLang, llama.cpp, Ollama), such as http://127.0.0.1:11434/v1.",
    };

    public static Option<string?> UpstreamModel() => new("--upstream-model")
    {
        Description = "The server's model to sell (default: its only one).",
    };

    public static Option<string?> Name() => new("--name") { Description = "Public name of the model." };
}
