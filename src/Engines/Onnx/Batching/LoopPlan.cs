using Souk.Engines.Onnx.Kv;
using Souk.OpenAi.Tokens;

namespace Souk.Engines.Onnx.Batching;

/// <summary>What the loops of an engine share.</summary>
/// <param name="Decoder">The model.</param>
/// <param name="Store">Bounds keys and values.</param>
/// <param name="Line">Who waits.</param>
/// <param name="Layout">How unequal sequences share a pass.</param>
/// <param name="WeightBytes">Size of the weights.</param>
/// <param name="Chunk">Prompt tokens between two steps of running answers.</param>
/// <param name="MostRows">Sequences in one pass.</param>
/// <param name="Tokenizer">The model's.</param>
/// <param name="Masks">Computes masks that take long.</param>
internal sealed record LoopPlan(
    Decoder Decoder, KvStore Store, WaitingLine Line, BatchLayout Layout, long WeightBytes, int Chunk, int MostRows,
    Tokenizer Tokenizer, InferenceThreads Masks);
