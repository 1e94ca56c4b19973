using System.Text.Json;
using CsCheck;
using Souk.Chain.Bindings;
using Souk.Chain.Codec;

namespace Souk.Chain.Tests.Codec;

public sealed class AbiTests
{
    private static readonly JsonElement[] Vectors =
        [.. VectorFiles.Read("abi/contract-interface.json").EnumerateArray()];

    [Fact]
    public void Encodes_what_compiled_contracts_return()
    {
        Assert.True(Vectors.Length > 300);
        foreach (var vector in Vectors)
        {
            var types = JsonDocument.Parse(vector.GetProperty("types").GetString()!).RootElement;
            var values = JsonDocument.Parse(vector.GetProperty("values").GetString()!).RootElement;
            AbiPart[] parts =
            [
                .. types.EnumerateArray().Zip(values.EnumerateArray(), (type, value) =>
                    AbiValue.Encode(type.GetString()!, value)),
            ];

            AssertHex(vector, AbiPart.Sequence(parts));
        }
    }

    [Fact]
    public void Decodes_what_compiled_contracts_return()
    {
        foreach (var vector in Vectors)
        {
            var types = JsonDocument.Parse(vector.GetProperty("types").GetString()!).RootElement;
            var reader = new AbiReader(VectorFiles.Hex(vector, "result"));
            AbiPart[] parts = [.. types.EnumerateArray().Select(type => AbiValue.Recode(type.GetString()!, reader))];

            AssertHex(vector, AbiPart.Sequence(parts));
        }
    }

    // Solidity documentation, "Contract ABI Specification", section Examples.
    [Fact]
    public void Encodes_the_example_of_the_specification_with_a_list_and_fixed_bytes()
    {
        var call = AbiPart.Call(
            ErrorBinding.Selector("f(uint256,uint32[],bytes10,bytes)"),
            AbiPart.NonNegative(0x123, 256),
            AbiPart.Array([0x456u, 0x789u], value => AbiPart.NonNegative(value, 32)),
            AbiPart.Fixed("1234567890"u8, 10),
            AbiPart.Of("Hello, world!"u8));

        Assert.Equal(
            "8be65246"
            + "0000000000000000000000000000000000000000000000000000000000000123"
            + "0000000000000000000000000000000000000000000000000000000000000080"
            + "3132333435363738393000000000000000000000000000000000000000000000"
            + "00000000000000000000000000000000000000000000000000000000000000e0"
            + "0000000000000000000000000000000000000000000000000000000000000002"
            + "0000000000000000000000000000000000000000000000000000000000000456"
            + "0000000000000000000000000000000000000000000000000000000000000789"
            + "000000000000000000000000000000000000000000000000000000000000000d"
            + "48656c6c6f2c20776f726c642100000000000000000000000000000000000000",
            Convert.ToHexStringLower(call));
    }

    [Fact]
    public void Encodes_the_example_of_the_specification_with_bytes_bool_and_numbers()
    {
        var call = AbiPart.Call(
            ErrorBinding.Selector("sam(bytes,bool,uint256[])"),
            AbiPart.Of("dave"u8),
            AbiPart.Of(true),
            AbiPart.Array([1u, 2u, 3u], value => AbiPart.NonNegative(value, 256)));

        Assert.StartsWith(
            "a5643bf20000000000000000000000000000000000000000000000000000000000000060"
            + "0000000000000000000000000000000000000000000000000000000000000001"
            + "00000000000000000000000000000000000000000000000000000000000000a0",
            Convert.ToHexStringLower(call));
    }

    [Fact]
    public void Random_bytes_decode_or_are_refused_with_the_documented_exception()
    {
        Action<AbiReader>[] readers =
        [
            r => ProviderStateTuple.Decode(r.Tail()),
            r => VaultStateTuple.Decode(r.Tail()),
            r => r.Array(1, inner => inner.Array(1, deepest => deepest.Bytes())),
            r => r.Text(),
            r => r.Bool(),
            r => r.TwosComplement(24),
        ];
        var words = Gen.OneOf(
            Gen.Byte.Array[32],
            Gen.Int[0, 12].Select(n => Word((ulong)n * 32)),
            Gen.ULong.Select(Word));
        Gen.Select(Gen.Int[0, readers.Length - 1].Select(i => readers[i]), words.Array[0, 40], Gen.Int[0, 31]).Sample(
            (read, parts, cut) =>
            {
                var bytes = parts.SelectMany(part => part).ToArray();
                try
                {
                    read(new AbiReader(bytes.AsMemory(0, Math.Max(0, bytes.Length - cut))));
                }
                catch (AbiException)
                {
                    // The documented refusal.
                }
            },
            iter: 30_000);
    }

    [Fact]
    public void Overlapping_offsets_cannot_ask_for_more_memory_than_the_budget()
    {
        // A list of 2,000 lists that are all the same list of 2,000 words: 4 million elements in 130 kB.
        const int Count = 2000;
        var bytes = new List<byte>([.. Word(32), .. Word(Count)]);
        for (var i = 0; i < Count; i++)
        {
            bytes.AddRange(Word(Count * 32));
        }

        bytes.AddRange(Word(Count));
        bytes.AddRange(new byte[Count * 32]);
        var reader = new AbiReader(bytes.ToArray());

        var failure = Assert.Throws<AbiException>(() =>
            reader.Array(1, outer => outer.Array(1, inner => inner.Bytes32()).Count));

        Assert.Contains("larger", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_wider_than_their_type_are_refused_both_ways()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => AbiPart.NonNegative((UInt128)1 << 40, 40));
        Assert.Throws<AbiException>(() => new AbiReader(Word(1UL << 40)).NonNegative64(40));
        Assert.Throws<AbiException>(() => new AbiReader(Word(2)).Bool());
        Assert.Throws<AbiException>(() => new AbiReader(new byte[] { 1 }.Concat(new byte[31]).ToArray()).Address());
    }

    [Fact]
    public void A_string_that_is_not_utf8_becomes_replacement_characters()
    {
        byte[] bytes = [.. Word(32), .. Word(2), 0xff, 0x41, .. new byte[30]];

        Assert.Equal("\uFFFDA", new AbiReader(bytes).Text());
    }

    private static byte[] Word(ulong value) => AbiPart.NonNegative((UInt128)value, 64).Bytes.ToArray();

    private static void AssertHex(JsonElement vector, byte[] actual) => Assert.True(
        vector.GetProperty("result").GetString() == "0x" + Convert.ToHexStringLower(actual),
        $"{vector.GetProperty("name").GetString()}: {vector.GetProperty("types").GetString()}");
}
