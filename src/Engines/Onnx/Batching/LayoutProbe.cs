using Microsoft.ML.OnnxRuntime;
using Souk.Engines.Onnx.Kv;

namespace Souk.Engines.Onnx.Batching;

/// <summary>
/// Finds out how a model wants sequences of unequal length in one pass: two short ones decode a token alone and then
/// together, and a layout is right when both get the same logits. Nothing in an ONNX file states it.
/// </summary>
internal sealed class LayoutProbe(Decoder decoder, Pass pass) : IDisposable
{
    /// <summary>Greatest difference that counts as rounding, as a share of how far logits spread. A wrong layout is off
    /// by about the whole spread, float16 by a hundredth of this.</summary>
    private const double Tolerance = 0.05;

    private static readonly int[][] Prompts = [[7, 3, 11, 5, 2], [13, 4, 6]];

    private readonly RunOptions options = new();

    public static BatchLayout Find(Decoder decoder)
    {
        if (decoder.Context <= Prompts[0].Length + 1)
        {
            return BatchLayout.Alone;
        }

        using var pass = new Pass(decoder);
        using var probe = new LayoutProbe(decoder, pass);
        return probe.Find();
    }

    public void Dispose() => options.Dispose();

    private BatchLayout Find()
    {
        var alone = Prompts.Select(Prompt).ToArray();
        try
        {
            var expected = alone.Select(block => Decode([block], BatchLayout.Right)![0]).ToArray();
            foreach (var layout in (BatchLayout[])[BatchLayout.Left, BatchLayout.Right])
            {
                if (Decode(alone, layout) is { } together
                    && expected.Zip(together).All(pair => IsSame(pair.First, pair.Second)))
                {
                    return layout;
                }
            }

            return BatchLayout.Alone;
        }
        finally
        {
            Array.ForEach(alone, block => block.Dispose());
        }
    }

    /// <summary>The keys and values of a prompt.</summary>
    private KvBlock Prompt(int[] ids)
    {
        pass.Prepare(1, ids.Length, ids.Length);
        for (int i = 0; i < ids.Length; i++)
        {
            pass.Ids[i] = ids[i] % decoder.Shape.Vocabulary;
            pass.Positions[i] = i;
        }

        pass.Mask.Fill(1);
        using var nothing = new KvBlock(decoder.Shape, 1, 0);
        var block = new KvBlock(decoder.Shape, 1, ids.Length);
        pass.Run(nothing, block, options);
        return block;
    }

    /// <summary>Logits of one further token in each row; null where the model cannot run the shape.</summary>
    private float[][]? Decode(KvBlock[] rows, BatchLayout layout)
    {
        int width = rows.Max(row => row.Width);
        using var past = new KvBlock(decoder.Shape, rows.Length, width);
        using var present = new KvBlock(decoder.Shape, rows.Length, width + 1);
        pass.Prepare(rows.Length, 1, width + 1);
        pass.Mask.Clear();
        for (int row = 0; row < rows.Length; row++)
        {
            int length = rows[row].Width;
            int start = layout == BatchLayout.Left ? width - length : 0;
            past.Clear(row, 0, width);
            rows[row].CopyTo(past, 0, 0, row, start, length);
            pass.Ids[row] = 1 % decoder.Shape.Vocabulary;
            pass.Positions[row] = length;
            pass.Mask.Slice((row * (width + 1)) + start, length + 1).Fill(1);
        }

        try
        {
            pass.Run(past, present, options);
        }
        catch (OnnxRuntimeException) when (rows.Length > 1)
        {
            // An export for one sequence at a time has its batch size written into the graph.
            return null;
        }

        return [.. Enumerable.Range(0, rows.Length).Select(row => pass.Logits(row, 0).ToArray())];
    }

    private static bool IsSame(float[] expected, float[] actual)
    {
        double allowed = Tolerance * (expected.Max() - expected.Min());
        return expected.Zip(actual).All(pair => Math.Abs(pair.First - pair.Second) <= allowed);
    }
}
