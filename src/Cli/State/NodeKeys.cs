using Souk.Chain.Keystore;
using Souk.Protocol;

namespace Souk.Cli.State;

/// <summary>A node's keys in keystores, opened with one password that lies beside them, readable by their owner
/// only.</summary>
/// <param name="data">Where they are.</param>
/// <param name="randomness">Makes fresh ones.</param>
/// <param name="chainId">The chain that they are used on; null where there is no network yet.</param>
internal sealed class NodeKeys(DataDirectory data, Randomness randomness, ulong? chainId)
{
    private const int MostRoleLetters = 32;
    private readonly string _folder = data.Folder("keys");

    /// <summary>Opens a key by its role's name, and makes it at first use.</summary>
    public Result<PrivateKey> OpenOrCreate(string role)
    {
        if (!Has(role))
        {
            using var fresh = PrivateKey.Create(randomness);
            if (Add(role, fresh) is { } refusal)
            {
                return refusal;
            }
        }

        return Open(role);
    }

    /// <summary>True where the role has a key.</summary>
    public bool Has(string role) => File.Exists(PathOf(role));

    /// <summary>Opens a key that has to be there.</summary>
    public Result<PrivateKey> Open(string role)
    {
        if (!IsName(role) || !Has(role))
        {
            return new Refusal(
                Fault.Ours, "key_missing",
                $"There is no key '{role}' in {_folder}. 'souk wallet list' shows those there are; make one with "
                + $"'souk wallet new {role}', or take one with 'souk wallet import'.");
        }

        return WellKnownKeys.Guard(KeystoreFile.Open(PathOf(role), Password()), chainId);
    }

    /// <summary>Makes a fresh key under a name that is free.</summary>
    public Result<Address> Create(string role)
    {
        using var fresh = PrivateKey.Create(randomness);
        return Add(role, fresh) is { } refusal ? refusal : fresh.Address;
    }

    /// <summary>Takes a key from elsewhere under a name that is free.</summary>
    public Result<Address> Import(string role, Result<PrivateKey> given)
    {
        if (!WellKnownKeys.Guard(given, chainId).TryGet(out var key, out var refusal))
        {
            return refusal;
        }

        using (key)
        {
            return Add(role, key) is { } taken ? taken : key.Address;
        }
    }

    /// <summary>Roles that have a key here.</summary>
    public IReadOnlyList<string> Roles() =>
    [
        .. Directory.EnumerateFiles(_folder, "*.json").Select(path => Path.GetFileNameWithoutExtension(path))
            .Order(StringComparer.Ordinal),
    ];

    private static bool IsName(string role) =>
        role.Length is > 0 and <= MostRoleLetters
        && role.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter == '-');

    private Refusal? Add(string role, PrivateKey key)
    {
        if (!IsName(role))
        {
            return new Refusal(
                Fault.Theirs, "role_name",
                $"'{role}' is no name for a key: use a-z, 0-9 and '-', at most {MostRoleLetters}.");
        }

        if (Has(role))
        {
            return new Refusal(
                Fault.Theirs, "key_exists",
                $"There is a key '{role}' already, and a key is never overwritten. Choose another name, or move "
                + $"{PathOf(role)} away.");
        }

        KeystoreFile.Create(PathOf(role), key, Password(), KeystoreCost.Light, randomness);
        return null;
    }

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
