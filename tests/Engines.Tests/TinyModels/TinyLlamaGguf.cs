using System.Runtime.InteropServices;
using System.Text;

namespace Souk.Engines.Tests.TinyModels;

/// <summary>Writes a <see cref="TinyLlama"/> as a GGUF file (version 3, float32) that llama.cpp loads, with the same
/// byte-level tokenizer as <see cref="ModelFolder"/>. Layout: ggml's docs/gguf.md; tensor names and the reordering of
/// query and key rows: llama.cpp's conversion of Llama models, whose rotary embedding turns neighbours.</summary>
internal sealed class TinyLlamaGguf
{
    private const int Alignment = 32;

    private readonly List<(string Key, Action<BinaryWriter> Write)> entries = [];
    private readonly List<(string Name, int Rows, int Columns, float[] Values)> tensors = [];

    public static byte[] Write(TinyLlama model)
    {
        var file = new TinyLlamaGguf();
        file.Describe(model.Shape);
        file.AddTokenizer(model.Shape);
        file.AddTensors(model);
        return file.Build();
    }

    private void Describe(TinyShape shape)
    {
        Text("general.architecture", "llama");
        Text("general.name", "tiny");
        Number("general.file_type", 0);
        Number("llama.context_length", shape.Context);
        Number("llama.embedding_length", shape.Hidden);
        Number("llama.block_count", shape.Layers);
        Number("llama.feed_forward_length", shape.Inner);
        Number("llama.attention.head_count", shape.Heads);
        Number("llama.attention.head_count_kv", shape.KvHeads);
        Number("llama.attention.key_length", shape.HeadSize);
        Number("llama.attention.value_length", shape.HeadSize);
        Number("llama.rope.dimension_count", shape.HeadSize);
        Number("llama.vocab_size", shape.Vocabulary);
        Real("llama.rope.freq_base", (float)TinyLlama.Theta);
        Real("llama.attention.layer_norm_rms_epsilon", (float)TinyLlama.Epsilon);
    }

    private void AddTokenizer(TinyShape shape)
    {
        const int normal = 1;
        const int control = 3;
        string[] special = ["<|begin|>", "<|end|>", "<|user|>", "<|assistant|>"];
        string[] tokens =
        [
            .. ModelFolder.ByteLetters().Select(letter => letter.ToString()), .. special,
            .. Enumerable.Range(0, shape.Vocabulary - 260).Select(i => $"<|unused{i}|>"),
        ];
        Text("tokenizer.ggml.model", "gpt2");
        Text("tokenizer.ggml.pre", "gpt-2");
        Texts("tokenizer.ggml.tokens", tokens);
        Add("tokenizer.ggml.token_type", 9, writer =>
        {
            writer.Write(5);
            writer.Write((long)tokens.Length);
            for (int id = 0; id < tokens.Length; id++)
            {
                writer.Write(id < 256 ? normal : control);
            }
        });
        Texts("tokenizer.ggml.merges", []);
        Number("tokenizer.ggml.bos_token_id", ModelFolder.Begin);
        Number("tokenizer.ggml.eos_token_id", ModelFolder.End);
        Text("tokenizer.chat_template", ModelFolder.Template);
    }

    private void AddTensors(TinyLlama model)
    {
        var shape = model.Shape;
        int width = shape.Heads * shape.HeadSize;
        int kvWidth = shape.KvHeads * shape.HeadSize;
        tensors.Add(("token_embd.weight", shape.Vocabulary, shape.Hidden, model.Embedding));
        for (int i = 0; i < shape.Layers; i++)
        {
            var layer = model.Layers[i];
            string block = $"blk.{i}.";
            tensors.Add((block + "attn_norm.weight", 1, shape.Hidden, layer.AttentionNorm));
            Matrix(block + "attn_q.weight", Interleave(Turn(layer.Q, shape.Hidden), shape), width, shape.Hidden);
            Matrix(block + "attn_k.weight", Interleave(Turn(layer.K, shape.Hidden), shape), kvWidth, shape.Hidden);
            Matrix(block + "attn_v.weight", Turn(layer.V, shape.Hidden), kvWidth, shape.Hidden);
            Matrix(block + "attn_output.weight", Turn(layer.O, width), shape.Hidden, width);
            tensors.Add((block + "ffn_norm.weight", 1, shape.Hidden, layer.FeedNorm));
            Matrix(block + "ffn_gate.weight", Turn(layer.Gate, shape.Hidden), shape.Inner, shape.Hidden);
            Matrix(block + "ffn_up.weight", Turn(layer.Up, shape.Hidden), shape.Inner, shape.Hidden);
            Matrix(block + "ffn_down.weight", Turn(layer.Down, shape.Inner), shape.Hidden, shape.Inner);
        }

        tensors.Add(("output_norm.weight", 1, shape.Hidden, model.FinalNorm));
        Matrix("output.weight", Turn(model.Head, shape.Hidden), shape.Vocabulary, shape.Hidden);
    }

    private byte[] Build()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write("GGUF"u8);
        writer.Write(3);
        writer.Write((long)tensors.Count);
        writer.Write((long)entries.Count);
        foreach (var (key, write) in entries)
        {
            WriteText(writer, key);
            write(writer);
        }

        long offset = 0;
        foreach (var (name, rows, columns, values) in tensors)
        {
            WriteText(writer, name);
            writer.Write(rows == 1 ? 1 : 2);
            writer.Write((long)columns);
            if (rows != 1)
            {
                writer.Write((long)rows);
            }

            writer.Write(0);
            writer.Write(offset);
            offset += Padded(values.Length * sizeof(float));
        }

        writer.Write(new byte[Padded(stream.Position) - stream.Position]);
        foreach (var (_, _, _, values) in tensors)
        {
            writer.Write(MemoryMarshal.AsBytes(values.AsSpan()));
            writer.Write(new byte[Padded(stream.Position) - stream.Position]);
        }

        return stream.ToArray();
    }

    private void Matrix(string name, float[] values, int rows, int columns) =>
        tensors.Add((name, rows, columns, values));

    /// <summary>From [in, out] to [out, in].</summary>
    private static float[] Turn(float[] matrix, int inputs)
    {
        int outputs = matrix.Length / inputs;
        float[] turned = new float[matrix.Length];
        for (int row = 0; row < inputs; row++)
        {
            for (int column = 0; column < outputs; column++)
            {
                turned[(column * inputs) + row] = matrix[(row * outputs) + column];
            }
        }

        return turned;
    }

    /// <summary>Within each head, row i of the first half and row i of the second become neighbours.</summary>
    private static float[] Interleave(float[] matrix, TinyShape shape)
    {
        float[] result = new float[matrix.Length];
        int rows = matrix.Length / shape.Hidden;
        for (int row = 0; row < rows; row++)
        {
            int within = row % shape.HeadSize;
            int place = row - within + (within % (shape.HeadSize / 2) * 2) + (within / (shape.HeadSize / 2));
            Array.Copy(matrix, row * shape.Hidden, result, place * shape.Hidden, shape.Hidden);
        }

        return result;
    }

    private static long Padded(long length) => (length + Alignment - 1) / Alignment * Alignment;

    private void Text(string key, string value) => Add(key, 8, writer => WriteText(writer, value));

    private void Number(string key, int value) => Add(key, 4, writer => writer.Write((uint)value));

    private void Real(string key, float value) => Add(key, 6, writer => writer.Write(value));

    private void Texts(string key, string[] values) => Add(key, 9, writer =>
    {
        writer.Write(8);
        writer.Write((long)values.Length);
        Array.ForEach(values, value => WriteText(writer, value));
    });

    private void Add(string key, int type, Action<BinaryWriter> write) => entries.Add((key, writer =>
    {
        writer.Write(type);
        write(writer);
    }));

    private static void WriteText(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((long)bytes.Length);
        writer.Write(bytes);
    }
}
