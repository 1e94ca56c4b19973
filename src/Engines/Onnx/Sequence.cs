using Microsoft.ML.OnnxRuntime;

namespace Souk.Engines.Onnx;

/// <summary>The state of one answer: the keys and values so far, which never leave ONNX Runtime's memory. Each pass
/// takes the last pass's present.* outputs as its past_key_values.* inputs, so nothing is copied through managed
/// memory and a token allocates only a few small objects. Not for concurrent use.</summary>
internal sealed class Sequence : IDisposable
{
    private readonly Decoder decoder;
    private readonly OrtValue[] inputs;
    private readonly long[] id = new long[1];
    private readonly long[] position = new long[1];
    private readonly OrtValue idValue;
    private readonly OrtValue positionValue;
    private IDisposableReadOnlyCollection<OrtValue>? present;
    private bool presentIsBorrowed;

    public Sequence(Decoder decoder)
    {
        this.decoder = decoder;
        inputs = new OrtValue[decoder.InputNames.Length];
        idValue = Ids(id);
        positionValue = Ids(position);
    }

    /// <summary>Positions whose keys and values are held.</summary>
    public int Length { get; private set; }

    /// <summary>Runs <paramref name="tokens"/> after the positions held and leaves the logits that follow the last
    /// one in
    /// <paramref name="logits"/> (vocabulary long). Blocks for the whole pass.</summary>
    public void Append(ReadOnlySpan<int> tokens, float[] logits, RunOptions options)
    {
        using var mask = decoder.Shape.HasMask ? decoder.Mask(Length + tokens.Length) : null;
        if (tokens.Length == 1)
        {
            id[0] = tokens[0];
            position[0] = Length;
            Run(idValue, mask, positionValue, tokens.Length, logits, options);
            return;
        }

        long[] many = new long[tokens.Length];
        long[] positions = new long[tokens.Length];
        for (int i = 0; i < tokens.Length; i++)
        {
            many[i] = tokens[i];
            positions[i] = Length + i;
        }

        using var manyValue = Ids(many);
        using var positionsValue = Ids(positions);
        Run(manyValue, mask, positionsValue, tokens.Length, logits, options);
    }

    /// <summary>A second sequence that goes on from the same positions. It reads this one's keys and values, which
    /// must not be extended or disposed before it.</summary>
    public Sequence Fork() => new(decoder) { present = present, presentIsBorrowed = true, Length = Length };

    public void Dispose()
    {
        Release();
        idValue.Dispose();
        positionValue.Dispose();
    }

    private void Run(
        OrtValue tokens, OrtValue? mask, OrtValue positions, int count, float[] logits, RunOptions options)
    {
        int next = 0;
        inputs[next++] = tokens;
        if (mask is not null)
        {
            inputs[next++] = mask;
        }

        if (decoder.Shape.HasPositions)
        {
            inputs[next++] = positions;
        }

        OrtValue[]? empty = null;
        if (present is null)
        {
            empty = [.. decoder.Shape.PastNames.Select(_ => decoder.EmptyPast())];
            empty.CopyTo(inputs, next);
        }
        else
        {
            for (int i = 1; i < present.Count; i++)
            {
                inputs[next++] = present[i];
            }
        }

        try
        {
            var outputs = decoder.Run(options, inputs);
            Release();
            present = outputs;
            presentIsBorrowed = false;
            Length += count;
            decoder.CopyLastLogits(outputs[0], logits);

            // The logits of a long prompt are far larger than its keys and values, and nobody reads them again.
            outputs[0].Dispose();
        }
        finally
        {
            Array.ForEach(empty ?? [], value => value.Dispose());
        }
    }

    private void Release()
    {
        if (!presentIsBorrowed)
        {
            present?.Dispose();
        }

        present = null;
    }

    private static OrtValue Ids(long[] values) =>
        OrtValue.CreateTensorValueFromMemory(values, [1, values.Length]);
}
