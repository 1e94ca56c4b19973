using System.Runtime.InteropServices;
using Souk.Engines.Tests.TinyModels;

namespace Souk.Bench.Engine.Exports;

/// <summary>
/// Turns the demo model's graph into float16 the way PyTorch's half-precision Llama computes: weights, activations,
/// keys, values and logits in float16, but root mean squares, rotary angles and softmax in float32. A value's type is
/// carried forward from node to node, and a cast is written where two meet.
/// </summary>
internal sealed class HalfModel
{
    private const int Wide = 1;
    private const int Narrow = 10;

    private readonly OnnxFile file;
    private readonly Proto graph = new();
    private readonly Dictionary<string, int> types = [];
    private readonly HashSet<string> written = [];

    private HalfModel(OnnxFile file) => this.file = file;

    public static byte[] Write(string onnxPath) => new HalfModel(OnnxFile.Read(onnxPath)).Build();

    private byte[] Build()
    {
        foreach (var field in file.Graph.Where(field => field.Number is 11 or 12))
        {
            Declare(field);
        }

        foreach (var node in file.Nodes)
        {
            Convert(node);
        }

        foreach (var field in file.Graph.Where(field => field.Number is not (1 or 11 or 12)))
        {
            // Float32 initializers were written by the nodes that read them, in the type that each reads.
            if (field.Number != 5 || !file.Weights.ContainsKey(NameOf(field)))
            {
                field.WriteTo(graph);
            }
        }

        var model = new Proto();
        foreach (var field in file.Fields.Where(field => field.Number != 7))
        {
            field.WriteTo(model);
        }

        return model.Message(7, graph).ToArray();
    }

    private static string NameOf(ProtoField tensor) =>
        ProtoField.Read(tensor.Bytes).Single(field => field.Number == 8).Text;

    /// <summary>An input or output: float32 becomes float16.</summary>
    private void Declare(ProtoField value)
    {
        var info = new Proto();
        string name = "";
        int type = 0;
        foreach (var field in ProtoField.Read(value.Bytes))
        {
            name = field.Number == 1 ? field.Text : name;
            (field.Number == 2 ? field with { Bytes = NarrowType(field.Bytes, out type) } : field).WriteTo(info);
        }

        types[name] = type;
        graph.Message(value.Number, info);
    }

    private static byte[] NarrowType(ReadOnlyMemory<byte> type, out int element)
    {
        element = 0;
        var outer = new Proto();
        foreach (var field in ProtoField.Read(type))
        {
            var tensor = new Proto();
            foreach (var inner in ProtoField.Read(field.Bytes))
            {
                bool isType = inner.Number == 1;
                var kept = isType && inner.Value == Wide ? inner with { Value = Narrow } : inner;
                element = isType ? (int)kept.Value : element;
                kept.WriteTo(tensor);
            }

            outer.Message(field.Number, tensor);
        }

        return outer.ToArray();
    }

    private void Convert(OnnxNode node)
    {
        bool isSquare = node.Type == "Mul" && node.Inputs[0] == node.Inputs[1];
        bool isWide = isSquare || node.Type is "ReduceMean" or "Softmax"
            || (node.Type is not "MatMul" && node.Inputs.Any(input => types.GetValueOrDefault(input) == Wide));
        bool isReal = node.Inputs.Any(input => types.GetValueOrDefault(input) is Wide or Narrow || IsWeight(input));
        int type = isWide ? Wide : isReal ? Narrow : 0;
        if (node.Type == "Cast")
        {
            bool isToFloat = node.Attributes.Any(Casts(Wide));
            types[node.Outputs[0]] = isToFloat ? Wide : 0;
            Emit(node, node.Inputs);
            return;
        }

        string[] inputs = type == 0 ? node.Inputs : [.. node.Inputs.Select(input => As(input, type))];
        bool isNarrowed = isWide && (node.Type is "Cos" or "Sin" or "Softmax" || IsScaled(node));
        string[] outputs = isNarrowed ? [node.Outputs[0] + "_wide"] : node.Outputs;
        Emit(node with { Outputs = outputs }, inputs);
        foreach (string output in outputs)
        {
            types[output] = node.Type is "Shape" or "And" or "LessOrEqual" ? 0 : type;
        }

        if (isNarrowed)
        {
            Cast(outputs[0], node.Outputs[0], Narrow);
        }
    }

    /// <summary>The last step of a norm, whose weights are a vector.</summary>
    private static bool IsScaled(OnnxNode node) => node.Type == "Mul" && node.Inputs.Any(
        input => input.EndsWith("norm.weight", StringComparison.Ordinal));

    private bool IsWeight(string name) => file.Weights.ContainsKey(name);

    /// <summary>The name of a value in a type, cast or written in it where it is not.</summary>
    private string As(string name, int type)
    {
        if (IsWeight(name))
        {
            return Weight(file.Weights[name], type);
        }

        int own = types.GetValueOrDefault(name);
        if (own == type || own is not (Wide or Narrow))
        {
            return name;
        }

        string other = $"{name}_as_{type}";
        if (written.Add(other))
        {
            Cast(name, other, type);
        }

        return other;
    }

    private string Weight(OnnxWeight weight, int type)
    {
        string name = type == Wide ? weight.Name + "_wide" : weight.Name;
        if (written.Add(name))
        {
            // What float16 cannot hold, such as the mask's "far below", becomes its least finite number.
            float[] values = weight.Values;
            var raw = type == Wide ? MemoryMarshal.AsBytes(values.AsSpan()) : MemoryMarshal.AsBytes(
                Array.ConvertAll(values, value => (Half)Math.Clamp(value, -65504f, 65504f)).AsSpan());
            var tensor = new Proto();
            Array.ForEach(weight.Shape, dimension => tensor.Number(1, dimension));
            graph.Message(5, tensor.Number(2, type).Text(8, name).Bytes(9, raw));
        }

        return name;
    }

    private void Cast(string from, string to, int type)
    {
        types[to] = type;
        var attribute = new Proto().Text(1, "to").Number(3, type).Number(20, 2);
        graph.Message(1, new Proto().Text(1, from).Text(2, to).Text(3, to).Text(4, "Cast").Message(5, attribute));
    }

    private static Func<ReadOnlyMemory<byte>, bool> Casts(int type) => attribute =>
        ProtoField.Read(attribute).Any(field => field.Number == 3 && field.Value == (ulong)type);

    private void Emit(OnnxNode node, string[] inputs)
    {
        var proto = new Proto();
        Array.ForEach(inputs, input => proto.Text(1, input));
        Array.ForEach(node.Outputs, output => proto.Text(2, output));
        proto.Text(3, node.Name).Text(4, node.Type);
        foreach (var attribute in node.Attributes)
        {
            proto.Bytes(5, attribute.Span);
        }

        graph.Message(1, proto);
    }
}
