using System.Runtime.InteropServices;

namespace Souk.Engines.Tests.TinyModels;

/// <summary>Builds an ONNX model node by node (field numbers and type codes from onnx.proto3).</summary>
internal sealed class OnnxGraph
{
    public const int Float = 1;
    public const int Int32 = 6;
    public const int Int64 = 7;
    public const int Bool = 9;
    public const int Half = 10;

    private readonly Proto graph = new();
    private int names;

    public string Input(string name, int type, params object[] shape)
    {
        graph.Message(11, ValueInfo(name, type, shape));
        return name;
    }

    public void Output(string name, int type, params object[] shape) =>
        graph.Message(12, ValueInfo(name, type, shape));

    public string Floats(float[] values, params long[] shape) =>
        Initializer(Float, MemoryMarshal.AsBytes(values.AsSpan()), shape);

    public string Halves(float[] values, params long[] shape) =>
        Initializer(Half, MemoryMarshal.AsBytes(Array.ConvertAll(values, value => (Half)value).AsSpan()), shape);

    public string Longs(long[] values) => Initializer(Int64, MemoryMarshal.AsBytes(values.AsSpan()), values.Length);

    public string Scalar(long value) => Initializer(Int64, BitConverter.GetBytes(value));

    public string Scalar(float value) => Initializer(Float, BitConverter.GetBytes(value));

    public string Op(string type, string[] inputs, params (string Name, object Value)[] attributes) =>
        Named(type, NewName(), inputs, attributes);

    /// <summary>A node whose output has the given name.</summary>
    public string Named(string type, string output, string[] inputs, params (string Name, object Value)[] attributes)
    {
        var node = new Proto();
        foreach (string input in inputs)
        {
            node.Text(1, input);
        }

        node.Text(2, output).Text(4, type);
        foreach (var (name, value) in attributes)
        {
            node.Message(5, Attribute(name, value));
        }

        graph.Message(1, node);
        return output;
    }

    /// <summary>A node of ONNX Runtime's own operators, with named outputs.</summary>
    public void Own(string type, string[] outputs, string[] inputs, params (string Name, object Value)[] attributes)
    {
        var node = new Proto();
        Array.ForEach(inputs, input => node.Text(1, input));
        Array.ForEach(outputs, output => node.Text(2, output));
        node.Text(4, type);
        foreach (var (name, value) in attributes)
        {
            node.Message(5, Attribute(name, value));
        }

        graph.Message(1, node.Text(7, "com.microsoft"));
    }

    public string Cast(string input, int type) => Op("Cast", [input], ("to", (long)type));

    public byte[] ToModel() =>
        new Proto()
            .Number(1, 8)
            .Text(2, "souk-tests")
            .Message(7, new Proto().Bytes(2, "g"u8).Append(graph))
            .Message(8, new Proto().Text(1, "").Number(2, 17))
            .Message(8, new Proto().Text(1, "com.microsoft").Number(2, 1))
            .ToArray();

    private string Initializer(int type, ReadOnlySpan<byte> raw, params long[] shape)
    {
        string name = NewName();
        var tensor = new Proto();
        foreach (long dimension in shape)
        {
            tensor.Number(1, dimension);
        }

        graph.Message(5, tensor.Number(2, type).Text(8, name).Bytes(9, raw));
        return name;
    }

    private static Proto Attribute(string name, object value)
    {
        var attribute = new Proto().Text(1, name);
        switch (value)
        {
            case long number:
                return attribute.Number(3, number).Number(20, 2);
            case float real:
                return attribute.Real(2, real).Number(20, 1);
            case long[] numbers:
                Array.ForEach(numbers, item => attribute.Number(8, item));
                return attribute.Number(20, 7);
            default:
                throw new ArgumentException($"No attribute of {value.GetType()}.", nameof(value));
        }
    }

    private static Proto ValueInfo(string name, int type, object[] shape)
    {
        var dimensions = new Proto();
        foreach (object dimension in shape)
        {
            dimensions.Message(1, dimension is string symbol
                ? new Proto().Text(2, symbol)
                : new Proto().Number(1, Convert.ToInt64(dimension, null)));
        }

        var tensor = new Proto().Number(1, type).Message(2, dimensions);
        return new Proto().Text(1, name).Message(2, new Proto().Message(1, tensor));
    }

    private string NewName() => $"t{names++}";
}
