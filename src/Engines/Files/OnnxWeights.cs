using System.Text;
using Souk.Protocol;

namespace Souk.Engines.Files;

/// <summary>What the initializers of an .onnx file say: the type that most weight bytes have, and which further files
/// hold weights. Read from the protobuf wire format (onnx.proto3: ModelProto.graph = 7, GraphProto.initializer = 5,
/// TensorProto.data_type = 2, .external_data = 13), skipping everything else, so that a file of any size costs little
/// memory.</summary>
internal sealed class OnnxWeights
{
    private const int GreatestTensors = 1_000_000;
    private const int GreatestExternalFiles = 1_024;
    private const int GreatestPath = 4_096;

    private readonly Stream stream;
    private readonly Dictionary<int, long> elements = [];
    private readonly SortedSet<string> files = new(StringComparer.Ordinal);
    private int tensors;

    private OnnxWeights(Stream stream) => this.stream = stream;

    /// <summary>Paths of external data as the file gives them, relative to it.</summary>
    public IReadOnlyCollection<string> ExternalFiles => files;

    /// <summary>A name such as "float32", or "mixed" where no type has half of all elements.</summary>
    public string WeightType
    {
        get
        {
            long all = elements.Values.Sum();
            var most = elements.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key).FirstOrDefault();
            return all == 0 ? "none" : most.Value * 2 < all ? "mixed" : TypeName(most.Key);
        }
    }

    /// <exception cref="EngineException">Ours, "model_unsupported": not an ONNX file, or beyond a bound.</exception>
    public static OnnxWeights Read(Stream stream)
    {
        var weights = new OnnxWeights(stream);
        weights.Each(stream.Length, (field, wire, end) =>
            field == 7 && wire == 2 ? weights.ReadGraph(end) : weights.Skip(wire, end));
        return weights;
    }

    private bool ReadGraph(long end)
    {
        Each(end, (field, wire, inner) => field == 5 && wire == 2 ? ReadTensor(inner) : Skip(wire, inner));
        return true;
    }

    private bool ReadTensor(long end)
    {
        if (++tensors > GreatestTensors)
        {
            throw Broken($"has more than {GreatestTensors} initializers");
        }

        long count = 1;
        int type = 0;
        Each(end, (field, wire, inner) =>
        {
            switch (field, wire)
            {
                case (1, 0):
                    count = Times(count, Varint());
                    return true;
                case (1, 2):
                    while (stream.Position < inner)
                    {
                        count = Times(count, Varint());
                    }

                    return true;
                case (2, 0):
                    type = (int)Math.Min(Varint(), int.MaxValue);
                    return true;
                case (13, 2):
                    return ReadExternal(inner);
                default:
                    return Skip(wire, inner);
            }
        });

        elements[type] = checked(elements.GetValueOrDefault(type) + count);
        return true;
    }

    private bool ReadExternal(long end)
    {
        string key = "";
        string value = "";
        Each(end, (field, wire, inner) =>
        {
            if (wire == 2 && field is 1 or 2)
            {
                string text = Text(inner);
                (key, value) = field == 1 ? (text, value) : (key, text);
                return true;
            }

            return Skip(wire, inner);
        });

        if (key == "location" && files.Add(value) && files.Count > GreatestExternalFiles)
        {
            throw Broken($"refers to more than {GreatestExternalFiles} files");
        }

        return true;
    }

    /// <summary>Calls <paramref name="read"/> for each field up to <paramref name="end"/> with the field's number,
    /// its wire type and, for length-delimited ones, where it ends.</summary>
    private void Each(long end, Func<int, int, long, bool> read)
    {
        while (stream.Position < end)
        {
            ulong tag = Varint();
            int wire = (int)(tag & 7);
            long inner = end;
            if (wire == 2)
            {
                ulong length = Varint();
                if (length > (ulong)(end - stream.Position))
                {
                    throw Broken("is cut short");
                }

                inner = stream.Position + (long)length;
            }

            read((int)Math.Min(tag >> 3, int.MaxValue), wire, inner);
            if (stream.Position > end || (wire == 2 && stream.Position != inner))
            {
                throw Broken("is not well formed");
            }
        }
    }

    private bool Skip(int wire, long end)
    {
        switch (wire)
        {
            case 0:
                Varint();
                return true;
            case 1:
                stream.Position += 8;
                return true;
            case 2:
                stream.Position = end;
                return true;
            case 5:
                stream.Position += 4;
                return true;
            default:
                throw Broken("is not an ONNX file");
        }
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            int next = stream.ReadByte();
            if (next < 0)
            {
                throw Broken("is cut short");
            }

            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw Broken("is not an ONNX file");
    }

    private string Text(long end)
    {
        long length = end - stream.Position;
        if (length > GreatestPath)
        {
            throw Broken("has an over-long external data entry");
        }

        byte[] bytes = new byte[length];
        stream.ReadExactly(bytes);
        return Encoding.UTF8.GetString(bytes);
    }

    private static long Times(long count, ulong dimension) =>
        dimension <= int.MaxValue && count <= long.MaxValue / 4 / Math.Max(1, (long)dimension)
            ? count * (long)dimension
            : throw Broken("has a tensor of impossible size");

    /// <summary>Names of TensorProto.DataType.</summary>
    private static string TypeName(int type) => type switch
    {
        1 => "float32",
        2 => "uint8",
        3 => "int8",
        10 => "float16",
        11 => "float64",
        16 => "bfloat16",
        17 or 18 or 19 or 20 => "float8",
        21 => "uint4",
        22 => "int4",
        23 => "float4",
        _ => $"onnx{type}",
    };

    private static EngineException Broken(string what) =>
        new(Fault.Ours, "model_unsupported", $"The model file {what}.");
}
