using System.Buffers;
using System.Text;

namespace Souk.Engines.Tests.TinyModels;

/// <summary>Just enough of the protobuf wire format to write an ONNX file.</summary>
internal sealed class Proto
{
    private readonly ArrayBufferWriter<byte> bytes = new();

    public byte[] ToArray() => bytes.WrittenSpan.ToArray();

    public Proto Number(int field, long value)
    {
        Varint((ulong)((field << 3) | 0));
        Varint(unchecked((ulong)value));
        return this;
    }

    public Proto Real(int field, float value)
    {
        Varint((ulong)((field << 3) | 5));
        bytes.Write(BitConverter.GetBytes(value));
        return this;
    }

    public Proto Bytes(int field, ReadOnlySpan<byte> value)
    {
        Varint((ulong)((field << 3) | 2));
        Varint((ulong)value.Length);
        bytes.Write(value);
        return this;
    }

    public Proto Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    public Proto Message(int field, Proto value) => Bytes(field, value.ToArray());

    /// <summary>All fields of another message, after those written so far.</summary>
    public Proto Append(Proto other)
    {
        bytes.Write(other.ToArray());
        return this;
    }

    private void Varint(ulong value)
    {
        while (value >= 0x80)
        {
            bytes.Write([(byte)((value & 0x7f) | 0x80)]);
            value >>= 7;
        }

        bytes.Write([(byte)value]);
    }
}
