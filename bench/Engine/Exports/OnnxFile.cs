using System.Runtime.InteropServices;
using System.Text;
using Souk.Engines.Tests.TinyModels;

namespace Souk.Bench.Engine.Exports;

/// <summary>One field of a protobuf message: a number, or the bytes of anything longer.</summary>
internal readonly record struct ProtoField(int Number, int Wire, ulong Value, ReadOnlyMemory<byte> Bytes)
{
    public string Text => Encoding.UTF8.GetString(Bytes.Span);

    /// <summary>The fields of a message in the order of the file.</summary>
    public static IEnumerable<ProtoField> Read(ReadOnlyMemory<byte> message)
    {
        for (int at = 0; at < message.Length;)
        {
            ulong tag = Varint(message.Span, ref at);
            int wire = (int)(tag & 7);
            ulong value = wire is 0 or 2 ? Varint(message.Span, ref at) : 0;
            int length = wire switch { 0 => 0, 2 => (int)value, 5 => 4, 1 => 8, _ => throw new FormatException() };
            yield return new ProtoField((int)(tag >> 3), wire, value, message.Slice(at, length));
            at += length;
        }
    }

    public void WriteTo(Proto message)
    {
        switch (Wire)
        {
            case 0:
                message.Number(Number, unchecked((long)Value));
                break;
            case 2:
                message.Bytes(Number, Bytes.Span);
                break;
            default:
                throw new FormatException($"A field of wire type {Wire} is not copied.");
        }
    }

    private static ulong Varint(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = bytes[at++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
    }
}

/// <summary>A float32 initializer.</summary>
internal sealed record OnnxWeight(string Name, long[] Shape, float[] Values);

/// <summary>A node; attributes are kept as they are written.</summary>
internal sealed record OnnxNode(
    string Name, string Type, string[] Inputs, string[] Outputs, IReadOnlyList<ReadOnlyMemory<byte>> Attributes);

/// <summary>The parts of an ONNX file that a conversion works on (field numbers from onnx.proto3). Only for files whose
/// weights are inside, such as the demo model's.</summary>
internal sealed class OnnxFile
{
    private OnnxFile(ReadOnlyMemory<byte> bytes)
    {
        Fields = [.. ProtoField.Read(bytes)];
        Graph = [.. ProtoField.Read(Fields.Single(field => field.Number == 7).Bytes)];
        Nodes = [.. Graph.Where(field => field.Number == 1).Select(field => Node(field.Bytes))];
        Weights = Graph.Where(field => field.Number == 5).Select(field => Weight(field.Bytes))
            .OfType<OnnxWeight>().ToDictionary(weight => weight.Name);
    }

    /// <summary>Of the model, the graph among them as number 7.</summary>
    public IReadOnlyList<ProtoField> Fields { get; }

    /// <summary>Of the graph.</summary>
    public IReadOnlyList<ProtoField> Graph { get; }

    public IReadOnlyList<OnnxNode> Nodes { get; }

    /// <summary>Float32 initializers by name.</summary>
    public IReadOnlyDictionary<string, OnnxWeight> Weights { get; }

    public static OnnxFile Read(string path) => new(File.ReadAllBytes(path));

    private static OnnxNode Node(ReadOnlyMemory<byte> bytes)
    {
        var fields = ProtoField.Read(bytes).ToList();
        string[] Texts(int number) => [.. fields.Where(field => field.Number == number).Select(field => field.Text)];
        return new OnnxNode(
            Texts(3).FirstOrDefault(""), Texts(4)[0], Texts(1), Texts(2),
            [.. fields.Where(field => field.Number == 5).Select(field => field.Bytes)]);
    }

    private static OnnxWeight? Weight(ReadOnlyMemory<byte> bytes)
    {
        var fields = ProtoField.Read(bytes).ToList();
        if (fields.Single(field => field.Number == 2).Value != 1)
        {
            return null;
        }

        List<long> shape = [];
        foreach (var field in fields.Where(field => field.Number == 1))
        {
            shape.AddRange(field.Wire == 0 ? [(long)field.Value] : Packed(field.Bytes));
        }

        var raw = fields.Single(field => field.Number == 9).Bytes;
        return new OnnxWeight(
            fields.Single(field => field.Number == 8).Text, [.. shape],
            MemoryMarshal.Cast<byte, float>(raw.Span).ToArray());
    }

    private static IEnumerable<long> Packed(ReadOnlyMemory<byte> bytes)
    {
        long value = 0;
        int shift = 0;
        foreach (byte next in bytes.ToArray())
        {
            value |= (long)(next & 0x7f) << shift;
            shift += 7;
            if (next < 0x80)
            {
                yield return value;
                (value, shift) = (0, 0);
            }
        }
    }
}
