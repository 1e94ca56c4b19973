using System.Runtime.InteropServices;

namespace Souk.Protocol;

/// <summary>
/// ECDSA by the system's libsecp256k1 with its recovery module, loaded by name at run time so that nothing needs
/// installing. Only functions present in every release since 0.1 are called.
/// </summary>
internal sealed unsafe class NativeSecp256k1 : ISecp256k1
{
    // SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY; newer releases need neither and accept both.
    private const uint ContextFlags = 0x0301;
    private const uint Uncompressed = 0x0002;

    private static readonly string[] Names =
    [
        "libsecp256k1.so.2", "libsecp256k1.so.1", "libsecp256k1.so.0", "libsecp256k1.so.5", "libsecp256k1.so.6",
        "libsecp256k1.so", "libsecp256k1.dylib", "libsecp256k1.2.dylib", "libsecp256k1.1.dylib",
        "libsecp256k1.dll", "libsecp256k1-2.dll", "libsecp256k1-1.dll", "secp256k1.dll",
    ];

    private readonly nint _context;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, byte*, int> _createPublicKey;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, nuint*, byte*, uint, int> _serializePublicKey;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, byte*, byte*, nint, nint, int> _sign;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, int*, byte*, int> _serializeSignature;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, byte*, int, int> _parseSignature;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, byte*, byte*, int> _recover;

    private NativeSecp256k1(nint library)
    {
        var create = (delegate* unmanaged[Cdecl]<uint, nint>)Export(library, "secp256k1_context_create");
        _context = create(ContextFlags);
        _createPublicKey = (delegate* unmanaged[Cdecl]<nint, byte*, byte*, int>)
            Export(library, "secp256k1_ec_pubkey_create");
        _serializePublicKey = (delegate* unmanaged[Cdecl]<nint, byte*, nuint*, byte*, uint, int>)
            Export(library, "secp256k1_ec_pubkey_serialize");
        _sign = (delegate* unmanaged[Cdecl]<nint, byte*, byte*, byte*, nint, nint, int>)
            Export(library, "secp256k1_ecdsa_sign_recoverable");
        _serializeSignature = (delegate* unmanaged[Cdecl]<nint, byte*, int*, byte*, int>)
            Export(library, "secp256k1_ecdsa_recoverable_signature_serialize_compact");
        _parseSignature = (delegate* unmanaged[Cdecl]<nint, byte*, byte*, int, int>)
            Export(library, "secp256k1_ecdsa_recoverable_signature_parse_compact");
        _recover = (delegate* unmanaged[Cdecl]<nint, byte*, byte*, byte*, int>)
            Export(library, "secp256k1_ecdsa_recover");
    }

    public static NativeSecp256k1? TryLoad()
    {
        foreach (var name in Names)
        {
            if (!NativeLibrary.TryLoad(name, out var library))
            {
                continue;
            }

            try
            {
                return new NativeSecp256k1(library);
            }
            catch (EntryPointNotFoundException)
            {
                // Built without the recovery module; another name may be a fuller build.
                NativeLibrary.Free(library);
            }
        }

        return null;
    }

    public byte[] PublicKey(ReadOnlySpan<byte> secret)
    {
        var parsed = stackalloc byte[64];
        fixed (byte* key = secret)
        {
            Require(_createPublicKey(_context, parsed, key));
        }

        var publicKey = new byte[64];
        Serialize(parsed, publicKey);
        return publicKey;
    }

    public Signature Sign(Bytes32 digest, ReadOnlySpan<byte> secret)
    {
        Span<byte> message = stackalloc byte[32];
        digest.CopyTo(message);

        // RFC 6979 feeds the digest mod n to its generator; older releases of the library feed it unreduced.
        Secp256k1.Reduce(message);
        var signature = stackalloc byte[65];
        var compact = stackalloc byte[64];
        int recovery;
        fixed (byte* key = secret, m = message)
        {
            Require(_sign(_context, signature, m, key, 0, 0));
        }

        Require(_serializeSignature(_context, compact, &recovery, signature));
        return new Signature(
            Bytes32.FromBytes(new ReadOnlySpan<byte>(compact, 32)),
            Bytes32.FromBytes(new ReadOnlySpan<byte>(compact + 32, 32)),
            (byte)(27 + (recovery & 1)));
    }

    public bool TryRecover(Bytes32 digest, Signature signature, Span<byte> publicKey)
    {
        Span<byte> message = stackalloc byte[32];
        digest.CopyTo(message);
        Span<byte> compact = stackalloc byte[65];
        signature.CopyTo(compact);
        var parsedSignature = stackalloc byte[65];
        var parsedKey = stackalloc byte[64];
        fixed (byte* m = message, c = compact)
        {
            if (_parseSignature(_context, parsedSignature, c, signature.V - 27) == 0
                || _recover(_context, parsedKey, parsedSignature, m) == 0)
            {
                return false;
            }
        }

        Serialize(parsedKey, publicKey);
        return true;
    }

    private void Serialize(byte* parsed, Span<byte> xy)
    {
        var serialized = stackalloc byte[65];
        nuint length = 65;
        Require(_serializePublicKey(_context, serialized, &length, parsed, Uncompressed));
        new ReadOnlySpan<byte>(serialized + 1, 64).CopyTo(xy);
    }

    private static nint Export(nint library, string name) => NativeLibrary.GetExport(library, name);

    private static void Require(int isDone)
    {
        if (isDone == 0)
        {
            throw new InvalidOperationException("libsecp256k1 refused a key that was checked before.");
        }
    }
}
