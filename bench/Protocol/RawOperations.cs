using System.Runtime.InteropServices;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.EC;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Math.EC;
using Org.BouncyCastle.Utilities;

namespace Souk.Protocol.Bench;

/// <summary>
/// What one library's own signing and signer-finding cost when called as its documentation says, on inputs that are
/// already in its form, with nothing of Souk around them.
/// </summary>
internal interface IRawOperations
{
    string Library { get; }

    void Sign();

    /// <summary>Finds the signer's public key, as a voucher needs: an account is a hash of the key.</summary>
    void Recover();

    /// <summary>Checks against a public key that is known beforehand.</summary>
    void Verify();
}

/// <summary>libsecp256k1, one function of its interface for each operation.</summary>
internal sealed unsafe partial class RawNative : IRawOperations
{
    private const string File = "libsecp256k1.so.1";

    private readonly nint _context = Create(0x0301);
    private readonly byte[] _digest;
    private readonly byte[] _secret;
    private readonly byte[] _signature = new byte[65];
    private readonly byte[] _plainSignature = new byte[64];
    private readonly byte[] _result = new byte[65];
    private readonly byte[] _key = new byte[64];

    public RawNative(byte[] digest, byte[] secret)
    {
        (_digest, _secret) = (digest, secret);
        Sign();
        _result.CopyTo(_signature, 0);
        Recover();
        fixed (byte* plain = _plainSignature, signature = _signature)
        {
            Require(Convert(_context, plain, signature));
        }
    }

    public string Library => "libsecp256k1";

    public void Sign()
    {
        fixed (byte* result = _result, digest = _digest, secret = _secret)
        {
            Require(SignRecoverable(_context, result, digest, secret, 0, 0));
        }
    }

    public void Recover()
    {
        fixed (byte* key = _key, signature = _signature, digest = _digest)
        {
            Require(RecoverKey(_context, key, signature, digest));
        }
    }

    public void Verify()
    {
        fixed (byte* key = _key, signature = _plainSignature, digest = _digest)
        {
            Require(VerifySignature(_context, signature, digest, key));
        }
    }

    private static void Require(int isDone)
    {
        if (isDone == 0)
        {
            throw new InvalidOperationException("libsecp256k1 refused a good key or signature.");
        }
    }

    [LibraryImport(File, EntryPoint = "secp256k1_context_create")]
    private static partial nint Create(uint flags);

    [LibraryImport(File, EntryPoint = "secp256k1_ecdsa_sign_recoverable")]
    private static partial int SignRecoverable(
        nint context, byte* signature, byte* digest, byte* secret, nint nonceFunction, nint nonceData);

    [LibraryImport(File, EntryPoint = "secp256k1_ecdsa_recover")]
    private static partial int RecoverKey(nint context, byte* key, byte* signature, byte* digest);

    [LibraryImport(File, EntryPoint = "secp256k1_ecdsa_recoverable_signature_convert")]
    private static partial int Convert(nint context, byte* plain, byte* signature);

    [LibraryImport(File, EntryPoint = "secp256k1_ecdsa_verify")]
    private static partial int VerifySignature(nint context, byte* signature, byte* digest, byte* key);
}

/// <summary>
/// BouncyCastle: ECDsaSigner with RFC 6979 nonces on its optimised curve. It has no call that finds a public key, so
/// that is the textbook's (SEC 1, 4.1.6) on its curve and numbers.
/// </summary>
internal sealed class RawManaged : IRawOperations
{
    private readonly byte[] _digest;
    private readonly ECPrivateKeyParameters _secret;
    private readonly ECPublicKeyParameters _key;
    private readonly ECDomainParameters _curve = new(CustomNamedCurves.GetByName("secp256k1"));
    private readonly BigInteger[] _signature;
    private readonly byte[] _nonce;

    public RawManaged(byte[] digest, byte[] secret)
    {
        var scalar = new BigInteger(1, secret);
        _digest = digest;
        _secret = new ECPrivateKeyParameters(scalar, _curve);
        _key = new ECPublicKeyParameters(_curve.G.Multiply(scalar).Normalize(), _curve);
        _signature = SignOnce();

        // The signature does not say which of the two nonce points it was.
        _nonce = [2, .. _signature[0].ToByteArrayUnsigned()];
        try
        {
            Recover();
        }
        catch (InvalidOperationException)
        {
            _nonce[0] = 3;
            Recover();
        }
    }

    public string Library => "BouncyCastle";

    public void Sign() => SignOnce();

    public void Recover()
    {
        var (r, s) = (_signature[0], _signature[1]);
        var inverse = BigIntegers.ModOddInverseVar(_curve.N, r);
        var u1 = new BigInteger(1, _digest).Negate().Multiply(inverse).Mod(_curve.N);
        var u2 = s.Multiply(inverse).Mod(_curve.N);
        var key = ECAlgorithms.SumOfTwoMultiplies(_curve.G, u1, _curve.Curve.DecodePoint(_nonce), u2).Normalize();
        if (!key.Equals(_key.Q))
        {
            throw new InvalidOperationException("BouncyCastle found another key.");
        }
    }

    public void Verify()
    {
        var verifier = new ECDsaSigner();
        verifier.Init(false, _key);
        if (!verifier.VerifySignature(_digest, _signature[0], _signature[1]))
        {
            throw new InvalidOperationException("BouncyCastle refused its own signature.");
        }
    }

    private BigInteger[] SignOnce()
    {
        var signer = new ECDsaSigner(new HMacDsaKCalculator(new Sha256Digest()));
        signer.Init(true, _secret);
        return signer.GenerateSignature(_digest);
    }
}
