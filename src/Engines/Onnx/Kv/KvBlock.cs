using Microsoft.ML.OnnxRuntime;

namespace Souk.Engines.Onnx.Kv;

/// <summary>Keys and values of all layers for a rectangle of rows x positions, as the model takes them: one tensor
/// [rows, heads, width, head size] per layer and kind, one after the other in one buffer.</summary>
internal sealed class KvBlock : IDisposable
{
    private readonly ModelShape shape;
    private readonly NativeBuffer buffer;
    private OrtValue[]? values;

    /// <param name="shape">The model's.</param>
    /// <param name="rows">Sequences.</param>
    /// <param name="width">Positions of each.</param>
    /// <param name="capacity">Rows x positions that <see cref="TryReshape"/> may later ask for; at least what is asked
    /// for now.</param>
    public KvBlock(ModelShape shape, int rows, int width, long capacity = 0)
    {
        this.shape = shape;
        (Rows, Width) = (rows, width);
        Capacity = Math.Max(capacity, (long)rows * width);
        buffer = new NativeBuffer(Capacity * shape.KvBytesPerToken);
    }

    public int Rows { get; private set; }

    public int Width { get; private set; }

    /// <summary>Rows x positions that there is memory for.</summary>
    public long Capacity { get; }

    /// <summary>The tensors as ONNX Runtime sees them, in the order of <see cref="ModelShape.PastNames"/>; owned by
    /// this block.</summary>
    public OrtValue[] Values => values ??= View();

    /// <summary>Gives the memory another shape; its contents are undefined afterwards. False when it is too
    /// small.</summary>
    public bool TryReshape(int rows, int width)
    {
        if ((long)rows * width > Capacity)
        {
            return false;
        }

        if ((rows, width) != (Rows, Width))
        {
            DropValues();
            (Rows, Width) = (rows, width);
        }

        return true;
    }

    /// <summary>Copies <paramref name="count"/> positions of a row of this block into a row of another.</summary>
    public void CopyTo(KvBlock target, int row, int from, int targetRow, int targetFrom, int count)
    {
        for (int tensor = 0; tensor < shape.PastNames.Length; tensor++)
        {
            for (int head = 0; head < shape.KvHeads; head++)
            {
                Cells(tensor, row, head, from, count).CopyTo(target.Cells(tensor, targetRow, head, targetFrom, count));
            }
        }
    }

    /// <summary>The same again, in memory of its own.</summary>
    public KvBlock Copy()
    {
        var copy = new KvBlock(shape, Rows, Width);
        for (int row = 0; row < Rows; row++)
        {
            CopyTo(copy, row, 0, row, 0, Width);
        }

        return copy;
    }

    /// <summary>Zeroes positions that a mask hides: hidden or not, a value that is not a number would spread.</summary>
    public void Clear(int row, int from, int count)
    {
        for (int tensor = 0; count > 0 && tensor < shape.PastNames.Length; tensor++)
        {
            for (int head = 0; head < shape.KvHeads; head++)
            {
                Cells(tensor, row, head, from, count).Clear();
            }
        }
    }

    public void Dispose()
    {
        DropValues();
        buffer.Dispose();
    }

    private Span<byte> Cells(int tensor, int row, int head, int from, int count)
    {
        if (row < 0 || row >= Rows || from < 0 || from + count > Width)
        {
            throw new ArgumentOutOfRangeException(nameof(count), "The positions are not in the block.");
        }

        long lane = (((long)tensor * Rows) + row) * shape.KvHeads + head;
        return buffer.Span<byte>(((lane * Width) + from) * shape.KvCellBytes, count * shape.KvCellBytes);
    }

    private OrtValue[] View()
    {
        var views = new OrtValue[shape.PastNames.Length];
        long bytes = (long)Rows * shape.KvHeads * Width * shape.KvCellBytes;
        long[] sizes = [Rows, shape.KvHeads, Width, shape.HeadSize];
        for (int i = 0; i < views.Length; i++)
        {
            views[i] = OrtValue.CreateTensorValueWithData(
                OrtMemoryInfo.DefaultInstance, shape.KvType, sizes, buffer.Address + (nint)(i * bytes), bytes);
        }

        return views;
    }

    private void DropValues()
    {
        foreach (var value in values ?? [])
        {
            value.Dispose();
        }

        values = null;
    }
}
