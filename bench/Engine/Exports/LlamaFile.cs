using System.Text.Json;
using Souk.Engines.Tests.TinyModels;

namespace Souk.Bench.Engine.Exports;

/// <summary>The weights of a Llama-shaped model directory such as the demo model's as a GGUF file for llama.cpp. The
/// file's tokenizer is a stand-in of the same size, since the peer is given ids and gives ids.</summary>
internal static class LlamaFile
{
    public static byte[] Write(string directory)
    {
        var config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(directory, "config.json"))).RootElement;
        int Of(string name) => config.GetProperty(name).GetInt32();
        var shape = new TinyShape
        {
            Layers = Of("num_hidden_layers"), Heads = Of("num_attention_heads"), KvHeads = Of("num_key_value_heads"),
            HeadSize = Of("head_dim"), Hidden = Of("hidden_size"), Inner = Of("intermediate_size"),
            Vocabulary = Of("vocab_size"), Context = Of("max_position_embeddings"),
        };
        var weights = OnnxFile.Read(Path.Combine(directory, "model.onnx")).Weights;
        return TinyLlamaGguf.Write(new TinyLlama(shape, name => name == "lm_head.weight"
            ? Turn(weights["model.embed_tokens.weight"]) : weights[name].Values));
    }

    private static float[] Turn(OnnxWeight matrix)
    {
        var (rows, columns) = ((int)matrix.Shape[0], (int)matrix.Shape[1]);
        float[] turned = new float[matrix.Values.Length];
        for (int at = 0; at < turned.Length; at++)
        {
            turned[at] = matrix.Values[(at % rows * columns) + (at / rows)];
        }

        return turned;
    }
}
