using System.Numerics.Tensors;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Souk.Engines.Onnx.Kv;

namespace Souk.Engines.Onnx.Batching;

/// <summary>The inputs and outputs of forward passes beside keys and values, kept from pass to pass so that a pass
/// allocates next to nothing. Not for concurrent use.</summary>
internal sealed class Pass : IDisposable
{
    private readonly Decoder decoder;
    private readonly OrtValue[] inputs;
    private readonly OrtValue[] outputs;
    private readonly int logitBytes;
    private readonly float[] widened;
    private NativeBuffer ids = new(0);
    private NativeBuffer positions = new(0);
    private NativeBuffer mask = new(0);
    private NativeBuffer logits = new(0);
    private OrtValue? idValue;
    private OrtValue? positionValue;
    private OrtValue? logitValue;

    public Pass(Decoder decoder)
    {
        this.decoder = decoder;
        inputs = new OrtValue[decoder.InputCount];
        outputs = new OrtValue[decoder.OutputCount];
        bool isHalf = decoder.Shape.LogitsType == TensorElementType.Float16;
        logitBytes = isHalf ? 2 : 4;
        widened = isHalf ? new float[decoder.Shape.Vocabulary] : [];
    }

    public int Rows { get; private set; }

    /// <summary>New tokens of each row.</summary>
    public int Columns { get; private set; }

    /// <summary>Positions of each row, the new ones included.</summary>
    public int Total { get; private set; }

    /// <summary>[rows, columns], to be filled before <see cref="Run"/>.</summary>
    public Span<long> Ids => ids.Span<long>(0, Rows * Columns);

    /// <summary>[rows, columns], to be filled before <see cref="Run"/>.</summary>
    public Span<long> Positions => positions.Span<long>(0, Rows * Columns);

    /// <summary>[rows, total], 1 where a position counts, to be filled before <see cref="Run"/>.</summary>
    public Span<long> Mask => mask.Span<long>(0, Rows * Total);

    /// <summary>Sets the shape of the next pass.</summary>
    public void Prepare(int rows, int columns, int total)
    {
        if ((rows, columns) != (Rows, Columns))
        {
            DropValues();
            (Rows, Columns) = (rows, columns);
            Grow(ref ids, 8L * rows * columns);
            Grow(ref positions, 8L * rows * columns);
            Grow(ref logits, (long)logitBytes * rows * columns * decoder.Shape.Vocabulary);
            idValue = Value(ids, TensorElementType.Int64, [rows, columns]);
            positionValue = Value(positions, TensorElementType.Int64, [rows, columns]);
            logitValue = Value(logits, decoder.Shape.LogitsType, [rows, columns, decoder.Shape.Vocabulary]);
        }

        Total = total;
        Grow(ref mask, 8L * rows * total);
    }

    /// <summary>Runs the model over what was filled in. Blocks for the whole pass.</summary>
    /// <param name="past">[rows, total - columns].</param>
    /// <param name="present">[rows, total]; written.</param>
    /// <param name="options">May be told to terminate from another thread.</param>
    public void Run(KvBlock past, KvBlock present, RunOptions options)
    {
        int next = 0;
        inputs[next++] = idValue!;
        using var maskValue = decoder.Shape.HasMask ? Value(mask, TensorElementType.Int64, [Rows, Total]) : null;
        if (maskValue is not null)
        {
            inputs[next++] = maskValue;
        }

        if (decoder.Shape.HasPositions)
        {
            inputs[next] = positionValue!;
        }

        past.Values.CopyTo(inputs, decoder.FirstPast);
        outputs[0] = logitValue!;
        present.Values.CopyTo(outputs, 1);
        decoder.Run(options, inputs, outputs);
    }

    /// <summary>The logits that follow one new token, float32, until the next call. They may be written to.</summary>
    public Span<float> Logits(int row, int column)
    {
        int vocabulary = decoder.Shape.Vocabulary;
        long offset = (((long)row * Columns) + column) * vocabulary * logitBytes;
        if (logitBytes == 4)
        {
            return logits.Span<float>(offset, vocabulary);
        }

        TensorPrimitives.ConvertToSingle(logits.Span<Half>(offset, vocabulary), widened);
        return widened;
    }

    public void Dispose()
    {
        DropValues();
        ids.Dispose();
        positions.Dispose();
        mask.Dispose();
        logits.Dispose();
    }

    private static OrtValue Value(NativeBuffer buffer, TensorElementType type, long[] shape)
    {
        long bytes = TensorPrimitives.Product<long>(shape) * (type switch
        {
            TensorElementType.Int64 => 8,
            TensorElementType.Float16 => 2,
            _ => 4,
        });
        return OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, type, shape, buffer.Address, bytes);
    }

    private static void Grow(ref NativeBuffer buffer, long bytes)
    {
        if (buffer.Bytes < bytes)
        {
            buffer.Dispose();
            buffer = new NativeBuffer(bytes + (bytes / 2));
        }
    }

    private void DropValues()
    {
        idValue?.Dispose();
        positionValue?.Dispose();
        logitValue?.Dispose();
        (idValue, positionValue, logitValue) = (null, null, null);
    }
}
