using System.Globalization;
using System.Text;
using System.Text.Json;
using Souk.Protocol;

namespace Souk.Chain.Keystore;

/// <summary>
/// A private key under a password: Web3 Secret Storage version 3, as Geth and most wallets write it. Reads scrypt and
/// PBKDF2 with HMAC-SHA-256; writes scrypt.
/// </summary>
public static class KeystoreJson
{
    /// <summary>Largest keystore read, in bytes.</summary>
    public const int MaxBytes = 16 * 1024;

    private const int DerivedLength = 32;

    // A keystore may come from a stranger: these bounds keep it from taking the machine's memory or an hour.
    private const long MostScryptBytes = 1L << 30;
    private const long MostScryptWork = 1L << 32;
    private const int MostIterations = 10_000_000;

    /// <summary>The key as a keystore's JSON.</summary>
    public static string Encrypt(PrivateKey key, string password, KeystoreCost cost, Randomness randomness)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(cost);
        ArgumentNullException.ThrowIfNull(randomness);
        Span<byte> id = stackalloc byte[16];
        var salt = new byte[32];
        var iv = new byte[16];
        randomness.Fill(id);
        randomness.Fill(salt);
        randomness.Fill(iv);
        var derived = Scrypt.Derive(Encoding.UTF8.GetBytes(password), salt, cost.N, cost.R, cost.P, DerivedLength);
        var secret = new byte[32];
        key.CopyTo(secret);
        KeystoreCipher.Apply(derived.AsSpan(0, 16), iv, secret);
        var mac = KeystoreCipher.Mac(derived, secret);
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(derived);
        return Write(key.Address, Uuid(id), secret, iv, salt, cost, mac);
    }

    /// <summary>The key in a keystore. Refusals: malformed or unsupported keystores and wrong passwords (Ours).
    /// </summary>
    public static Result<PrivateKey> Decrypt(ReadOnlyMemory<byte> utf8, string password)
    {
        var secret = DecryptSecret(utf8, password);
        if (!secret.TryGet(out var bytes, out var refusal))
        {
            return refusal;
        }

        // Some old wallets dropped a key's leading zero bytes.
        var padded = new byte[32];
        if (bytes.Length > padded.Length)
        {
            return Malformed("the key is longer than 32 bytes");
        }

        bytes.CopyTo(padded.AsSpan(32 - bytes.Length));
        try
        {
            var key = PrivateKey.FromBytes(padded);
            if (DeclaredAddress(utf8) is { } declared && declared != key.Address)
            {
                // The MAC does not cover the IV, so that only the address shows a damaged one.
                key.Dispose();
                return Malformed("its key is not that of its address");
            }

            return key;
        }
        catch (ArgumentException)
        {
            return Malformed("what it holds is no secp256k1 key");
        }
        finally
        {
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(padded);
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(bytes);
        }
    }

    internal static Result<byte[]> DecryptSecret(ReadOnlyMemory<byte> utf8, string password)
    {
        if (utf8.Length > MaxBytes)
        {
            return Malformed($"it is larger than {MaxBytes} bytes");
        }

        try
        {
            using var document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = 8 });
            var root = document.RootElement;
            if (Number(root, "version") != 3)
            {
                return Malformed("only version 3 is supported");
            }

            // Geth writes "crypto", some other wallets "Crypto".
            var crypto = root.TryGetProperty("crypto", out var lower) ? lower : root.GetProperty("Crypto");
            if (crypto.GetProperty("cipher").GetString() != "aes-128-ctr")
            {
                return Malformed("its cipher is not aes-128-ctr");
            }

            var iv = Hex(crypto.GetProperty("cipherparams"), "iv");
            var secret = Hex(crypto, "ciphertext");
            var mac = Hex(crypto, "mac");
            var derived = Derive(crypto, Encoding.UTF8.GetBytes(password));
            return iv.Length != 16 || derived is null
                ? Malformed("its key derivation is unknown or costs too much")
                : Open(derived, iv, secret, mac);
        }
        catch (Exception failure) when (failure is JsonException or KeyNotFoundException or InvalidOperationException
            or FormatException or OverflowException)
        {
            return Malformed("a field is missing or malformed");
        }
    }

    // Optional, and some wallets leave it out for privacy.
    private static Address? DeclaredAddress(ReadOnlyMemory<byte> utf8)
    {
        using var document = JsonDocument.Parse(utf8);
        return document.RootElement.TryGetProperty("address", out var address)
            ? Address.TryParse(Rpc.RpcReplies.Text(address), out var parsed) ? parsed : Address.Zero
            : null;
    }

    private static Result<byte[]> Open(byte[] derived, byte[] iv, byte[] secret, byte[] mac)
    {
        if (!System.Security.Cryptography.CryptographicOperations.FixedTimeEquals(
            KeystoreCipher.Mac(derived, secret), mac))
        {
            return new Refusal(Fault.Ours, "wrong_password", "The password does not open this keystore.");
        }

        KeystoreCipher.Apply(derived.AsSpan(0, 16), iv, secret);
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(derived);
        return secret;
    }

    private static byte[]? Derive(JsonElement crypto, byte[] password)
    {
        var parameters = crypto.GetProperty("kdfparams");
        var salt = Hex(parameters, "salt");
        if (Number(parameters, "dklen") != DerivedLength)
        {
            return null;
        }

        switch (crypto.GetProperty("kdf").GetString())
        {
            case "scrypt":
                long n = Number(parameters, "n"), r = Number(parameters, "r"), p = Number(parameters, "p");
                var isBearable = n is > 1 and <= int.MaxValue && (n & (n - 1)) == 0 && r is > 0 and <= 1024
                    && p is > 0 and <= 1024 && 128 * n * r <= MostScryptBytes && 128 * n * r * p <= MostScryptWork;
                return isBearable
                    ? Scrypt.Derive(password, salt, (int)n, (int)r, (int)p, DerivedLength)
                    : null;
            case "pbkdf2":
                var count = Number(parameters, "c");
                var isKnown = parameters.GetProperty("prf").GetString() == "hmac-sha256";
                return isKnown && count is > 0 and <= MostIterations
                    ? System.Security.Cryptography.Rfc2898DeriveBytes.Pbkdf2(
                        password,
                        salt,
                        (int)count,
                        System.Security.Cryptography.HashAlgorithmName.SHA256,
                        DerivedLength)
                    : null;
            default:
                return null;
        }
    }

    private static string Write(
        Address address, string id, byte[] secret, byte[] iv, byte[] salt, KeystoreCost cost, byte[] mac)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("version", 3);
            json.WriteString("id", id);
            json.WriteString("address", Convert.ToHexStringLower(address.ToBytes()));
            json.WriteStartObject("crypto");
            json.WriteString("cipher", "aes-128-ctr");
            json.WriteStartObject("cipherparams");
            json.WriteString("iv", Convert.ToHexStringLower(iv));
            json.WriteEndObject();
            json.WriteString("ciphertext", Convert.ToHexStringLower(secret));
            json.WriteString("kdf", "scrypt");
            json.WriteStartObject("kdfparams");
            json.WriteNumber("dklen", DerivedLength);
            json.WriteNumber("n", cost.N);
            json.WriteNumber("r", cost.R);
            json.WriteNumber("p", cost.P);
            json.WriteString("salt", Convert.ToHexStringLower(salt));
            json.WriteEndObject();
            json.WriteString("mac", Convert.ToHexStringLower(mac));
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    // A random (version 4) UUID, RFC 9562.
    private static string Uuid(Span<byte> bytes)
    {
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true).ToString("D", CultureInfo.InvariantCulture);
    }

    private static long Number(JsonElement element, string name) => element.GetProperty(name).GetInt64();

    private static byte[] Hex(JsonElement element, string name) =>
        Convert.FromHexString(element.GetProperty(name).GetString() ?? throw new FormatException());

    private static Refusal Malformed(string what) => new(
        Fault.Ours, "keystore_unreadable", $"The keystore cannot be read: {what}.");
}
