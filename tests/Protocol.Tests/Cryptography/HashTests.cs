using System.Text;

namespace Souk.Protocol.Tests.Cryptography;

public class HashTests
{
    [Fact]
    public void Keccak_gives_the_published_answers()
    {
        var cases = Vectors.Read("keccak/ShortMsgKAT_256.json").EnumerateArray().ToArray();
        Assert.Equal(255, cases.Length);
        Assert.All(cases, row => Assert.Equal(
            row.Word("hash"), Keccak256.Hash(Convert.FromHexString(row.Text("message")))));
    }

    [Fact]
    public void Keccak_agrees_with_BouncyCastle_across_block_edges()
    {
        var bytes = new byte[700];
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)((i * 131) & 0xFF);
        }

        for (var length = 0; length <= bytes.Length; length++)
        {
            var digest = new Org.BouncyCastle.Crypto.Digests.KeccakDigest(256);
            digest.BlockUpdate(bytes, 0, length);
            var expected = new byte[32];
            digest.DoFinal(expected, 0);
            Assert.Equal(expected, Keccak256.Hash(bytes.AsSpan(0, length)).ToBytes());
        }
    }

    // The examples of FIPS 180-4 for one and two blocks.
    [Theory]
    [InlineData("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")]
    public void H_is_SHA_256(string text, string hash) =>
        Assert.Equal(Bytes32.Parse(hash), Sha.Hash(Encoding.ASCII.GetBytes(text)));

    [Fact]
    public void Iterating_applies_H_as_often_as_said()
    {
        var value = Sha.Hash("x"u8);
        Assert.Equal(value, Sha.Iterate(value, 0));
        Assert.Equal(Sha.Hash(Sha.Hash(value.ToBytes()).ToBytes()), Sha.Iterate(value, 2));
    }
}
