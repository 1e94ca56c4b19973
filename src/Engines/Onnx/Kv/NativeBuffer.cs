using System.Runtime.InteropServices;

namespace Souk.Engines.Onnx.Kv;

/// <summary>Memory that ONNX Runtime reads and writes in place. It is outside the garbage collector's heap, because it
/// must not move, may exceed two gigabytes, and has to be given back at once.</summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private const nuint Alignment = 64;
    private void* memory;

    /// <param name="bytes">Contents are undefined; 0 is legal.</param>
    public NativeBuffer(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Bytes = bytes;
        memory = NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), Alignment);
    }

    ~NativeBuffer() => Free();

    public long Bytes { get; }

    public nint Address => (nint)memory;

    /// <summary>A window of <paramref name="count"/> elements that begins <paramref name="offset"/> bytes in.</summary>
    public Span<T> Span<T>(long offset, int count)
        where T : unmanaged
    {
        ObjectDisposedException.ThrowIf(memory is null, this);
        if (offset < 0 || count < 0 || offset + ((long)count * sizeof(T)) > Bytes)
        {
            throw new ArgumentOutOfRangeException(nameof(count), "The window leaves the buffer.");
        }

        return new Span<T>((byte*)memory + offset, count);
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(memory);
        memory = null;
    }
}
