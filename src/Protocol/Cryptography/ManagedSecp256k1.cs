using Org.BouncyCastle.Asn1.X9;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.EC;
using Org.BouncyCastle.Crypto.Signers;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Math.EC;
using Org.BouncyCastle.Math.EC.Multiplier;
using Org.BouncyCastle.Utilities;
using Integer = System.Numerics.BigInteger;

namespace Souk.Protocol;

/// <summary>ECDSA on BouncyCastle's optimised curve.</summary>
internal sealed class ManagedSecp256k1 : ISecp256k1
{
    private static readonly X9ECParameters Curve = CustomNamedCurves.GetByName("secp256k1");
    private static readonly BigInteger Prime = Curve.Curve.Field.Characteristic;
    private static readonly Integer Order = Number(Curve.N.ToByteArrayUnsigned());
    private static readonly BigInteger HalfOrder = Curve.N.ShiftRight(1);

    public byte[] PublicKey(ReadOnlySpan<byte> secret)
    {
        var publicKey = new byte[64];
        Write(Multiply(Unsigned(secret)), publicKey);
        return publicKey;
    }

    public Signature Sign(Bytes32 digest, ReadOnlySpan<byte> secret)
    {
        var key = Unsigned(secret);
        var message = digest.ToBytes();
        var z = new BigInteger(1, message).Mod(Curve.N);
        var nonces = new HMacDsaKCalculator(new Sha256Digest());
        nonces.Init(Curve.N, key, message);
        while (true)
        {
            var k = nonces.NextK();
            var point = Multiply(k);
            var x = point.AffineXCoord.ToBigInteger();
            var r = x.Mod(Curve.N);
            var s = BigIntegers.ModOddInverse(Curve.N, k).Multiply(z.Add(key.Multiply(r))).Mod(Curve.N);

            // x >= n would need a v that the EVM does not take; like r = 0 and s = 0 it never happens by chance.
            if (r.SignValue == 0 || s.SignValue == 0 || x.CompareTo(Curve.N) >= 0)
            {
                continue;
            }

            var isOdd = point.AffineYCoord.TestBitZero();
            if (s.CompareTo(HalfOrder) > 0)
            {
                s = Curve.N.Subtract(s);
                isOdd = !isOdd;
            }

            return new Signature(Word(r), Word(s), (byte)(isOdd ? 28 : 27));
        }
    }

    public bool TryRecover(Bytes32 digest, Signature signature, Span<byte> publicKey)
    {
        var r = Unsigned(signature.R);
        var point = Lift(signature.R, signature.V == 28);
        if (point is null || r.CompareTo(Prime) >= 0)
        {
            return false;
        }

        // Nothing here is secret, so the faster inverse and the runtime's own multiplication will do.
        var inverse = Number(BigIntegers.ModOddInverseVar(Curve.N, r).ToByteArrayUnsigned());
        var u1 = Scalar((Order - (Number(digest) % Order)) * inverse);
        var u2 = Scalar(Number(signature.S) * inverse);
        var signer = ECAlgorithms.SumOfTwoMultiplies(Curve.G, u1, point, u2).Normalize();
        if (signer.IsInfinity)
        {
            return false;
        }

        Write(signer, publicKey);
        return true;
    }

    private static ECPoint? Lift(Bytes32 x, bool isOdd)
    {
        Span<byte> compressed = stackalloc byte[33];
        compressed[0] = (byte)(isOdd ? 3 : 2);
        x.CopyTo(compressed[1..]);
        try
        {
            return Curve.Curve.DecodePoint(compressed.ToArray());
        }
        catch (ArgumentException)
        {
            // Half of all x have no point on the curve; the library says so by throwing.
            return null;
        }
    }

    private static ECPoint Multiply(BigInteger scalar) =>
        new FixedPointCombMultiplier().Multiply(Curve.G, scalar).Normalize();

    private static void Write(ECPoint point, Span<byte> xy)
    {
        Word(point.AffineXCoord.ToBigInteger()).CopyTo(xy);
        Word(point.AffineYCoord.ToBigInteger()).CopyTo(xy[32..]);
    }

    private static Integer Number(Bytes32 word)
    {
        Span<byte> bytes = stackalloc byte[Bytes32.Size];
        word.CopyTo(bytes);
        return Number(bytes);
    }

    private static Integer Number(ReadOnlySpan<byte> bytes) => new(bytes, isUnsigned: true, isBigEndian: true);

    private static BigInteger Scalar(Integer product) =>
        new(1, (product % Order).ToByteArray(isUnsigned: true, isBigEndian: true));

    private static BigInteger Unsigned(ReadOnlySpan<byte> bytes) => new(1, bytes.ToArray());

    private static BigInteger Unsigned(Bytes32 bytes) => new(1, bytes.ToBytes());

    private static Bytes32 Word(BigInteger value)
    {
        var bytes = value.ToByteArrayUnsigned();
        Span<byte> word = stackalloc byte[32];
        word.Clear();
        bytes.CopyTo(word[(32 - bytes.Length)..]);
        return Bytes32.FromBytes(word);
    }
}
