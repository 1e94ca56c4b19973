using System.Text;
using Souk.Protocol;

namespace Souk.Chain.Keystore;

/// <summary>Keystores on disk: readable by their owner only, written whole or not at all.</summary>
public static class KeystoreFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes the key to a path that must not exist yet: a key is never overwritten by accident.</summary>
    /// <exception cref="IOException">The path exists, or cannot be written.</exception>
    public static void Create(
        string path, PrivateKey key, string password, KeystoreCost cost, Randomness randomness)
    {
        ArgumentNullException.ThrowIfNull(randomness);
        var text = KeystoreJson.Encrypt(key, password, cost, randomness);
        var unfinished = $"{path}.{randomness.NextUInt64():x16}.new";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            // Set when the file is made, so that there is no moment at which others could open it.
            options.UnixCreateMode = OwnerOnly;
        }

        try
        {
            using (var file = new FileStream(unfinished, options))
            {
                file.Write(Encoding.UTF8.GetBytes(text));
                file.Flush(flushToDisk: true);
            }

            File.Move(unfinished, path, overwrite: false);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    /// <summary>Reads the key. Refusals (Ours): no such file, readable by others, malformed, wrong password.</summary>
    public static Result<PrivateKey> Open(string path, string password)
    {
        try
        {
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & ~OwnerOnly) != 0)
            {
                return new Refusal(
                    Fault.Ours,
                    "keystore_exposed",
                    $"Other accounts of this machine may use {path}. Run: chmod 600 {path}");
            }

            using var file = File.OpenRead(path);
            if (file.Length > KeystoreJson.MaxBytes)
            {
                return new Refusal(Fault.Ours, "keystore_unreadable", $"{path} is too large to be a keystore.");
            }

            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return KeystoreJson.Decrypt(bytes, password);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new Refusal(Fault.Ours, "keystore_unreadable", $"{path} cannot be read: {failure.Message}");
        }
    }
}
