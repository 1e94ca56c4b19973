using System.Numerics;
using System.Text;
using System.Text.Json;
using CsCheck;
using Souk.Chain.Codec;

namespace Souk.Chain.Tests.Codec;

public sealed class RlpTests
{
    public static TheoryData<string> Valid => [.. Names("rlp/rlptest.json")];

    public static TheoryData<string> Invalid => [.. Names("rlp/invalidRLPTest.json")];

    [Theory]
    [MemberData(nameof(Valid))]
    public void Encodes_and_decodes_the_published_vectors(string name)
    {
        var vector = VectorFiles.Read("rlp/rlptest.json").GetProperty(name);
        var expected = VectorFiles.Hex(vector, "out");
        var item = Item(vector.GetProperty("in"));

        Assert.Equal(expected, Rlp.Encode(item));
        Assert.Equal(expected, Rlp.Encode(Rlp.Decode(expected)));
        AssertSame(item, Rlp.Decode(expected));
    }

    [Theory]
    [MemberData(nameof(Invalid))]
    public void Refuses_the_published_invalid_vectors(string name)
    {
        var bytes = VectorFiles.Hex(VectorFiles.Read("rlp/invalidRLPTest.json").GetProperty(name), "out");

        Assert.Throws<RlpException>(() => Rlp.Decode(bytes));
    }

    [Fact]
    public void Random_bytes_decode_to_what_encodes_back_or_are_refused() =>
        Gen.Byte.Array[0, 300].Sample(
            bytes =>
            {
                try
                {
                    Assert.Equal(bytes, Rlp.Encode(Rlp.Decode(bytes)));
                }
                catch (RlpException)
                {
                    // The documented refusal.
                }
            },
            iter: 20_000);

    [Fact]
    public void Mutated_vectors_decode_to_what_encodes_back_or_are_refused()
    {
        var vectors = Names("rlp/rlptest.json")
            .Select(name => VectorFiles.Hex(VectorFiles.Read("rlp/rlptest.json").GetProperty(name), "out"))
            .ToArray();
        Gen.Select(Gen.Int[0, vectors.Length - 1].Select(i => vectors[i]), Gen.Int[0, 2000], Gen.Byte).Sample(
            (vector, place, value) =>
            {
                var bytes = vector.ToArray();
                bytes[place % bytes.Length] = value;
                try
                {
                    Assert.Equal(bytes, Rlp.Encode(Rlp.Decode(bytes)));
                }
                catch (RlpException)
                {
                    // The documented refusal.
                }
            },
            iter: 20_000);
    }

    [Fact]
    public void Refuses_lists_nested_beyond_the_bound()
    {
        byte[] nested = [0xc0];
        for (var depth = 0; depth < Rlp.DeepestList; depth++)
        {
            nested = Rlp.Encode(RlpItem.List([Rlp.Decode(nested)]));
        }

        _ = Rlp.Decode(nested);
        byte[] deeper = [(byte)(0xc0 + nested.Length), .. nested];
        Assert.Throws<RlpException>(() => Rlp.Decode(deeper));
    }

    private static IEnumerable<string> Names(string file) =>
        VectorFiles.Read(file).EnumerateObject().Select(property => property.Name);

    private static RlpItem Item(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Array => RlpItem.List([.. json.EnumerateArray().Select(Item)]),
        JsonValueKind.Number => Number(json.GetInt64()),
        _ => Text(json.GetString()!),
    };

    private static RlpItem Text(string text)
    {
        if (text.StartsWith('#'))
        {
            return Number(BigInteger.Parse(text.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture));
        }

        return RlpItem.Of(text.StartsWith("0x", StringComparison.Ordinal)
            ? VectorFiles.Hex(text)
            : Encoding.UTF8.GetBytes(text));
    }

    private static RlpItem Number(BigInteger number) =>
        RlpItem.Of(number.IsZero ? [] : number.ToByteArray(isUnsigned: true, isBigEndian: true));

    private static void AssertSame(RlpItem expected, RlpItem actual)
    {
        Assert.Equal(expected.IsList, actual.IsList);
        if (!expected.IsList)
        {
            Assert.Equal(expected.Bytes.ToArray(), actual.Bytes.ToArray());
            return;
        }

        Assert.Equal(expected.Items.Count, actual.Items.Count);
        for (var i = 0; i < expected.Items.Count; i++)
        {
            AssertSame(expected.Items[i], actual.Items[i]);
        }
    }
}
