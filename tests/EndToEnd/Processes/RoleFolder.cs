using Souk.Chain.Keystore;
using Souk.Protocol;
using Souk.Wire.Adapters;

namespace Souk.EndToEnd.Processes;

/// <summary>A role's data folder, as its owner would have it after importing the keys.</summary>
internal static class RoleFolder
{
    /// <summary>Of every keystore made here.</summary>
    public const string Password = "a password that no log may hold";

    /// <summary>Makes the folder with these keys.</summary>
    public static void Make(string folder, params (string Name, PrivateKey Key)[] keys)
    {
        var kept = Directory.CreateDirectory(Path.Combine(folder, "keys")).FullName;
        File.WriteAllText(Path.Combine(kept, "password"), Password);
        foreach (var (name, key) in keys)
        {
            KeystoreFile.Create(
                Path.Combine(kept, name + ".json"), key, Password, KeystoreCost.Light, new SystemRandomness());
        }
    }
}
