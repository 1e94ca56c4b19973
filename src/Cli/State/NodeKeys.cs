using Souk.Chain.Keystore;
using Souk.Protocol;

namespace Souk.Cli.State;

/// <summary>A node's keys in keystores, opened with one password that lies beside them, readable by their owner only.</summary>
internal sealed class NodeKeys(DataDirectory data, Randomness randomness)
{
    private readonly string _folder = data.Folder("keys");

    /// <summary>Opens a key by its role's name, and makes it at first use.</summary>
    public Result<PrivateKey> OpenOrCreate(string role)
    {
        var path = PathOf(role);
        if (!File.Exists(path))
        {
            Span<byte> bytes = stackalloc byte[32];
            randomness.Fill(bytes);
            using var fresh = PrivateKey.FromBytes(bytes);
            KeystoreFile.Create(path, fresh, Password(), KeystoreCost.Light, randomness);
        }

        return KeystoreFile.Open(path, Password());
    }

    /// <summary>Opens a key that has to be there.</summary>
    public Result<PrivateKey> Open(string role) => KeystoreFile.Open(PathOf(role), Password());

    /// <summary>Takes a key from elsewhere. It must not exist yet.</summary>
    public void Import(string role, PrivateKey key) =>
        KeystoreFile.Create(PathOf(role), key, Password(), KeystoreCost.Light, randomness);

    /// <summary>Roles that have a key here.</summary>
    public IReadOnlyList<string> Roles() =>
        [.. Directory.EnumerateFiles(_folder, "*.json").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal)];

    private string PathOf(string role) => Path.Combine(_folder, role + ".json");

    private string Password()
    {
        var path = Path.Combine(_folder, "password");
        if (DataDirectory.Read(path) is { Length: > 0 } known)
        {
            return known;
        }

        var password = randomness.NextBytes32().ToString();
        DataDirectory.Write(path, password);
        return password;
    }
}
