using System.Numerics;
using CsCheck;

namespace Souk.Protocol.Tests.Cryptography;

public class Secp256k1Tests
{
    private static readonly BigInteger Order = BigInteger.Parse(
        "0FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141",
        System.Globalization.NumberStyles.HexNumber);

    public static TheoryData<bool> Libraries() => [false, true];

    [Fact]
    [Trait("system", "libsecp256k1-1")]
    public void The_systems_library_is_used_where_it_is_installed()
    {
        RequireNative();
        Assert.True(Secp256k1.IsNative);
        Assert.Same(Secp256k1.Native, Secp256k1.Default);
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void Signatures_are_those_published_for_RFC_6979(bool isNative)
    {
        var library = Library(isNative);
        var cases = Vectors.Read("rfc6979/secp256k1_sha256.json").EnumerateArray().ToArray();
        Assert.Equal(6, cases.Length);
        foreach (var row in cases)
        {
            var digest = Sha.Hash(System.Text.Encoding.UTF8.GetBytes(row.Text("message")));
            var signature = library.Sign(digest, Convert.FromHexString(row.Text("private_key")));
            Assert.Equal(row.Word("r"), signature.R);
            Assert.Equal(row.Word("s"), signature.S);
        }
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void The_published_digest_recovers_its_signer(bool isNative)
    {
        // The recovery example of go-ethereum's crypto/signature_test.go.
        var digest = Bytes32.Parse("ce0677bb30baa8cf067c88db9811f4333d131bf8bcf12fe7065d211dce971008");
        var signature = Signature.Parse("90f27b8b488db00b00606796d2987f6a5f59ae62ea05effe84fef5b8b0e54998"
            + "4a691139ad57a3f0b906637673aa2f63d1f55cb1a69199d4009eea23ceaddc931c");
        var publicKey = new byte[64];
        Assert.True(Library(isNative).TryRecover(digest, signature, publicKey));
        Assert.Equal("e32df42865e97135acfb65f3bae71bdc86f4d49150ad6a440b6f15878109880a",
            Convert.ToHexStringLower(publicKey.AsSpan(0, 32)));
    }

    [Fact]
    [Trait("system", "libsecp256k1-1")]
    public void Both_libraries_give_the_same_bytes()
    {
        RequireNative();
        Gen.Select(Gen.Byte.Array[32], Gen.Byte.Array[32]).Where((key, _) => Secp256k1.IsScalar(key)).Sample(
            (key, message) =>
            {
                var digest = Bytes32.FromBytes(message);
                var signature = Secp256k1.Managed.Sign(digest, key);
                Assert.Equal(signature, Secp256k1.Native!.Sign(digest, key));
                Assert.Equal(Secp256k1.Managed.PublicKey(key), Secp256k1.Native!.PublicKey(key));
                foreach (var library in new[] { Secp256k1.Managed, Secp256k1.Native! })
                {
                    var recovered = new byte[64];
                    Assert.True(library.TryRecover(digest, signature, recovered));
                    Assert.Equal(library.PublicKey(key), recovered);
                }
            }, iter: 200);
    }

    [Fact]
    [Trait("system", "libsecp256k1-1")]
    public void Both_libraries_reduce_a_digest_above_the_order()
    {
        RequireNative();
        var key = new byte[32];
        key[31] = 7;
        foreach (var excess in new[] { 0, 1, 12345 })
        {
            var digest = Word(Order + excess);
            var signature = Secp256k1.Managed.Sign(digest, key);
            Assert.Equal(signature, Secp256k1.Native!.Sign(digest, key));
            Assert.Equal(signature, Secp256k1.Managed.Sign(Word(excess), key));
        }

        var greatest = Word(BigInteger.Pow(2, 256) - 1);
        Assert.Equal(Secp256k1.Managed.Sign(greatest, key), Secp256k1.Native!.Sign(greatest, key));
    }

    [Fact]
    [Trait("system", "libsecp256k1-1")]
    public void Both_libraries_recover_the_same_from_random_signatures()
    {
        RequireNative();
        Gen.Select(Gen.Byte.Array[32], Gen.Byte.Array[64], Gen.Bool)
            .Where((_, rs, _) => Secp256k1.IsScalar(rs.AsSpan(0, 32)) && Secp256k1.IsScalar(rs.AsSpan(32)))
            .Sample((digest, rs, isOdd) =>
            {
                var signature = Signature.FromBytes([.. rs, (byte)(isOdd ? 28 : 27)]);
                var (managed, native) = (new byte[64], new byte[64]);
                Assert.Equal(
                    Secp256k1.Managed.TryRecover(Bytes32.FromBytes(digest), signature, managed),
                    Secp256k1.Native!.TryRecover(Bytes32.FromBytes(digest), signature, native));
                Assert.Equal(managed, native);
            }, iter: 200);
    }

    [Fact]
    public void A_high_s_is_refused()
    {
        using var key = PrivateKey.FromBytes(Word(5).ToBytes());
        var digest = Sha.Hash("malleable"u8);
        var signature = key.Sign(digest);
        Assert.Equal(key.Address, Secp256k1.Recover(digest, signature));
        var twin = new Signature(signature.R, Word(Order - Number(signature.S)), (byte)(55 - signature.V));
        Assert.Null(Secp256k1.Recover(digest, twin));
        Assert.False(Secp256k1.Verify(digest, twin, key.Address));
    }

    [Fact]
    public void Numbers_out_of_range_are_no_signature()
    {
        var digest = Sha.Hash("x"u8);
        var values = new[] { Bytes32.Zero, Word(Order), Word(BigInteger.Pow(2, 256) - 1) };
        foreach (var bad in values)
        {
            Assert.Null(Secp256k1.Recover(digest, new Signature(bad, Word(1), 27)));
            Assert.Null(Secp256k1.Recover(digest, new Signature(Word(1), bad, 28)));
        }

        Assert.Null(Secp256k1.Recover(digest, default));
        Assert.False(Secp256k1.Verify(digest, default, Address.Zero));
    }

    internal static BigInteger Number(Bytes32 word) => new(word.ToBytes(), isUnsigned: true, isBigEndian: true);

    internal static Bytes32 Word(BigInteger number)
    {
        var bytes = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        var word = new byte[32];
        bytes.CopyTo(word, 32 - bytes.Length);
        return Bytes32.FromBytes(word);
    }

    internal static void RequireNative() => Assert.SkipUnless(
        Secp256k1.IsNative || Environment.GetEnvironmentVariable("CI") == "true",
        "Needs the Debian package libsecp256k1-1.");

    internal static ISecp256k1 Library(bool isNative)
    {
        if (isNative)
        {
            RequireNative();
        }

        return isNative ? Secp256k1.Native! : Secp256k1.Managed;
    }
}
