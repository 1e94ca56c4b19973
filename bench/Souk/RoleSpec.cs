using System.Text.Json;
using Souk.Conformance.Composition;
using Souk.Protocol;

namespace Souk.Bench;

/// <summary>What a role in a process of its own is told, on its standard input.</summary>
/// <param name="Role">provider, gateway or indexer.</param>
/// <param name="Network">The network file.</param>
/// <param name="Keys">Private keys in hex, in the role's own order.</param>
/// <param name="Port">Where it listens.</param>
/// <param name="Folder">What it may write in.</param>
/// <param name="Indexer">The indexer's URL.</param>
/// <param name="Vault">The gateway's vault.</param>
/// <param name="PauseMs">Milliseconds between the trivial engine's tokens; negative runs the real model.</param>
internal sealed record RoleSpec(
    string Role, string Network, string[] Keys, int Port, string Folder, string Indexer, string Vault, double PauseMs)
{
    public string ToLine() => JsonSerializer.Serialize(this);

    public static RoleSpec Parse(string line) => JsonSerializer.Deserialize<RoleSpec>(line)!;

    public PrivateKey Key(int index) => PrivateKey.FromBytes(Convert.FromHexString(Keys[index]));

    public ProviderKeyring Keyring() => new(Key(0), Key(1), Key(2), Key(3), Key(4));

    public static string Hex(PrivateKey key)
    {
        Span<byte> bytes = stackalloc byte[32];
        key.CopyTo(bytes);
        return Convert.ToHexString(bytes);
    }
}
