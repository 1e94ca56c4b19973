using Souk.Protocol;

namespace Souk.Engines;

/// <summary>What an engine serves, fixed from load to disposal.</summary>
/// <param name="Name">A label for people; trusted by nobody.</param>
/// <param name="Manifest">The files behind the model digest.</param>
/// <param name="PublicFiles">Files that customers may fetch to count tokens themselves, by manifest path:
/// tokenizer.json, tokenizer_config.json, the chat template, generation_config.json, config.json. Empty where
/// counting is "usage".</param>
/// <param name="Context">Greatest prompt + output, in tokens of one choice.</param>
/// <param name="MaxOutput">Greatest output of one choice, in tokens.</param>
/// <param name="Vocabulary">Number of logits; 0 where an upstream does not tell.</param>
/// <param name="EngineName">Program and version, such as "onnxruntime/1.31.1" or "vllm".</param>
/// <param name="SamplerName">"souk-gumbel-1" where tokens follow from the sampling key; null otherwise.</param>
/// <param name="Counting">"ids" or "usage", as an offer states it.</param>
/// <param name="Features">What requests may ask for, sorted, such as "n", "seed", "stop", "tools".</param>
public sealed record EngineModel(
    string Name,
    ModelManifest Manifest,
    IReadOnlyDictionary<string, ReadOnlyMemory<byte>> PublicFiles,
    int Context,
    int MaxOutput,
    int Vocabulary,
    string EngineName,
    string? SamplerName,
    string Counting,
    IReadOnlyList<string> Features);
