using System.Numerics;

namespace Souk.Protocol.Tests.Cryptography;

/// <summary>
/// Project Wycheproof's ECDSA vectors with signatures as r and s. Ours carry v and must be low, so each is tried with
/// both v after bringing s down, and a high s itself must be refused.
/// </summary>
public class WycheproofTests
{
    private static readonly BigInteger Order = BigInteger.Parse(
        "0FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141",
        System.Globalization.NumberStyles.HexNumber);

    private static readonly BigInteger Prime = BigInteger.Pow(2, 256) - BigInteger.Pow(2, 32) - 977;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Signatures_are_judged_as_published(bool isNative)
    {
        var library = Secp256k1Tests.Library(isNative);
        var (valid, invalid, high) = (0, 0, 0);
        var file = Vectors.Read("wycheproof/ecdsa_secp256k1_sha256_p1363_test.json");
        foreach (var group in file.GetProperty("testGroups").EnumerateArray())
        {
            var publicKey = Convert.FromHexString(group.GetProperty("publicKey").Text("uncompressed"))[1..];
            foreach (var test in group.GetProperty("tests").EnumerateArray())
            {
                var signature = Convert.FromHexString(test.Text("sig"));
                var digest = Sha.Hash(Convert.FromHexString(test.Text("msg")));
                var isValid = test.Text("result") == "valid";
                if (isValid && HasLargeNonce(signature))
                {
                    // The nonce's x is n or more, which v 27 and 28 cannot say; the EVM refuses these too.
                    continue;
                }

                var name = $"{test.GetProperty("tcId")}: {test.Text("comment")}";
                Assert.True(isValid == IsAccepted(library, digest, signature, publicKey), name);
                (valid, invalid) = isValid ? (valid + 1, invalid) : (valid, invalid + 1);
                high += isValid && IsHigh(signature) && IsRefusedAsHigh(digest, signature) ? 1 : 0;
            }
        }

        Assert.True(valid > 100 && invalid > 50 && high > 20, $"{valid} valid, {invalid} invalid, {high} high");
    }

    private static bool HasLargeNonce(byte[] signature) =>
        Secp256k1Tests.Number(Bytes32.FromBytes(signature.AsSpan(0, 32))) + Order < Prime;

    private static bool IsHigh(byte[] signature) =>
        Secp256k1Tests.Number(Bytes32.FromBytes(signature.AsSpan(32, 32))) > Order / 2;

    private static bool IsRefusedAsHigh(Bytes32 digest, byte[] signature) =>
        new byte[] { 27, 28 }.All(v => Secp256k1.Recover(digest, Signature.FromBytes([.. signature, v])) is null);

    private static bool IsAccepted(ISecp256k1 library, Bytes32 digest, byte[] signature, byte[] publicKey)
    {
        if (signature.Length != 64 || !Secp256k1.IsScalar(signature.AsSpan(0, 32))
            || !Secp256k1.IsScalar(signature.AsSpan(32)))
        {
            return false;
        }

        var r = Bytes32.FromBytes(signature.AsSpan(0, 32));
        var s = Secp256k1Tests.Number(Bytes32.FromBytes(signature.AsSpan(32)));
        var low = Secp256k1Tests.Word(s > Order / 2 ? Order - s : s);
        foreach (var v in new byte[] { 27, 28 })
        {
            var recovered = new byte[64];
            if (library.TryRecover(digest, new Signature(r, low, v), recovered)
                && recovered.AsSpan().SequenceEqual(publicKey))
            {
                return true;
            }
        }

        return false;
    }
}
