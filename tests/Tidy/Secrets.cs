using System.Text.RegularExpressions;

namespace Souk.Tidy;

/// <summary>Finds what must never be in a repository that everybody can read.</summary>
internal static partial class Secrets
{
    /// <summary>
    /// The ten keys of the development mnemonic "test test ... junk", which anvil and hardhat publish; nobody's money.
    /// </summary>
    private static readonly string[] DevelopmentKeys =
    [
        "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
        "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
        "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
        "7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
        "47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
        "8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
        "92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e",
        "4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356",
        "dbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97",
        "2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6",
    ];

    /// <summary>What a line gives away, or null.</summary>
    public static string? InLine(string line)
    {
        if (PemKey().IsMatch(line))
        {
            return "a private key";
        }

        if (KeyWord().IsMatch(line) && HexKey().Match(line) is { Success: true } key && !IsHarmless(key.Value))
        {
            return "what looks like a private key";
        }

        return MachinePath().IsMatch(line) ? "a path of somebody's machine" : null;
    }

    /// <summary>Hosts that a package file fetches from; where packages come from is each machine's own
    /// setting.</summary>
    public static IEnumerable<string> RegistryHosts(string packageFile) =>
        Source().Matches(packageFile).Select(m => m.Groups[1].Value).Distinct();

    /// <summary>
    /// A known development key, or one so plain (repeated digits, a small number) that it is an example.
    /// </summary>
    private static bool IsHarmless(string hex) =>
        DevelopmentKeys.Contains(hex)
        || hex.Distinct().Count() <= 4
        || hex.StartsWith(new string('0', 48), StringComparison.Ordinal);

    [GeneratedRegex("BEGIN ([A-Z]+ )?PRIVATE KEY-----(\\\\n|\\s)*[A-Za-z0-9+/]{16}")]
    private static partial Regex PemKey();

    [GeneratedRegex("(private|secret|signing)[ _-]?key|mnemonic", RegexOptions.IgnoreCase)]
    private static partial Regex KeyWord();

    [GeneratedRegex("(?<![0-9a-fA-F])[0-9a-fA-F]{64}(?![0-9a-fA-F])")]
    private static partial Regex HexKey();

    // Ollama's image keeps its models under /root/.ollama and says so in its replies.
    [GeneratedRegex(
        @"(?<![\w.}\-/*])(/build/|/home/(?!user\b)\w|/root/(?!\.ollama)|/Users/\w|[A-Z]:\\{1,2}Users\\)")]
    private static partial Regex MachinePath();

    [GeneratedRegex("(?:resolved|registry|source)[^\\n]*?https?://([^/\"'\\s<>)]+)", RegexOptions.IgnoreCase)]
    private static partial Regex Source();
}
