using CsCheck;

namespace Souk.Protocol.Tests.Primitives;

public class BytesTests
{
    [Fact]
    public void Thirty_two_bytes_survive_text_and_bytes() => Gen.Byte.Array[32].Sample(bytes =>
    {
        var value = Bytes32.FromBytes(bytes);
        Assert.Equal("0x" + Convert.ToHexStringLower(bytes), value.ToString());
        Assert.Equal(value, Bytes32.Parse(value.ToString()));
        Assert.Equal(value, Bytes32.Parse(Convert.ToHexString(bytes)));
        Assert.Equal(bytes, value.ToBytes());
    });

    [Fact]
    public void Thirty_two_bytes_sort_as_bytes() => Gen.Select(Gen.Byte.Array[32], Gen.Byte.Array[32], Gen.Int[0, 32])
        .Sample((left, right, common) =>
        {
            left.AsSpan(0, common).CopyTo(right);
            var expected = Math.Sign(left.AsSpan().SequenceCompareTo(right));
            Assert.Equal(expected, Math.Sign(Bytes32.FromBytes(left).CompareTo(Bytes32.FromBytes(right))));
        });

    [Fact]
    public void A_request_id_is_32_digits_without_prefix()
    {
        var id = RequestId.Parse("000102030405060708090a0b0c0d0e0f");
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], id.ToBytes());
        Assert.Equal("000102030405060708090a0b0c0d0e0f", id.ToString());
        Assert.False(RequestId.TryParse("0x000102030405060708090a0b0c0d0e", out _));
        Assert.False(RequestId.TryParse("0x000102030405060708090a0b0c0d0e0f", out _));
    }

    [Theory]
    [InlineData(31)]
    [InlineData(33)]
    public void Another_length_is_refused(int length)
    {
        Assert.Throws<ArgumentException>(() => Bytes32.FromBytes(new byte[length]));
        Assert.False(Bytes32.TryParse(new string('a', length * 2), out _));
    }

    [Fact]
    public void A_signature_needs_v_27_or_28()
    {
        var bytes = new byte[65];
        foreach (var v in Enumerable.Range(0, 256))
        {
            bytes[64] = (byte)v;
            Assert.Equal(v is 27 or 28, Signature.TryFromBytes(bytes, out var signature));
            Assert.Equal(v is 27 or 28, Signature.TryParse(Convert.ToHexString(bytes), out var parsed));
            Assert.Equal(signature, parsed);
        }

        Assert.False(Signature.TryFromBytes(new byte[64], out _));
    }
}
