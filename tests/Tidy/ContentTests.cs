namespace Souk.Tidy;

public sealed class ContentTests
{
    /// <summary>The rules are written out here, and published vectors are full of published keys.</summary>
    private static readonly string[] Exempt = ["tests/Tidy/", "vectors/"];

    [Fact]
    public void No_file_gives_away_keys_or_machines() => Violations.None(Repository.TextFiles
        .Where(f => !Repository.IsUnder(f, Exempt))
        .SelectMany(f => Repository.Read(f).Split('\n')
            .Select((line, i) => (Place: $"{f}:{i + 1}", What: Secrets.InLine(line)))
            .Where(l => l.What is not null))
        .Select(l => $"{l.Place} holds {l.What}"));

    [Fact]
    public void No_package_file_names_a_registry() => Violations.None(Repository.Files
        .Where(IsPackageFile)
        .SelectMany(f => Secrets.RegistryHosts(Repository.Read(f)).Select(host => $"{f} names {host}")));

    [Fact]
    public void No_key_file_is_kept() => Assert.DoesNotContain(Repository.Files, f =>
        Path.GetExtension(f) is ".pem" or ".key" or ".pfx" or ".p12"
        || Path.GetFileName(f).StartsWith("UTC--", StringComparison.Ordinal));

    [Theory]
    [InlineData("const privateKey = '0x8f2a559490e5c8a1d0f1b1d6a5a2c3e4f50617283940a1b2c3d4e5f60718293a'")]
    [InlineData("-----BEGIN PRIVATE KEY-----\\nMIGHAgEAMBMGByqGSM49")]
    [InlineData("see /home/alice/notes")]
    [InlineData("cd /build/souk")]
    [InlineData("C:\\Users\\alice")]
    public void Bad_lines_are_found(string line) => Assert.NotNull(Secrets.InLine(line));

    [Theory]
    [InlineData("PrivateKey = ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")]
    [InlineData("private key 0000000000000000000000000000000000000000000000000000000000000001")]
    [InlineData("channel 0x8f2a559490e5c8a1d0f1b1d6a5a2c3e4f50617283940a1b2c3d4e5f60718293a")]
    [InlineData("models/demo/work/ and ~/home and https://x.example/home/alice")]
    public void Harmless_lines_are_not(string line) => Assert.Null(Secrets.InLine(line));

    [Fact]
    public void Registries_are_found()
    {
        const string Lock = """
            "resolved": "https://packages.example/a/-/a-1.0.0.tgz",
            "url": "https://funding.example/a"
            "resolved": "http://10.0.0.1:4873/b/-/b-1.0.0.tgz",
            """;

        Assert.Equal(["packages.example", "10.0.0.1:4873"], Secrets.RegistryHosts(Lock));
    }

    private static bool IsPackageFile(string path) =>
        Path.GetFileName(path) is "package.json" or "package-lock.json" or ".npmrc" or "packages.lock.json"
        || path.EndsWith(".csproj", StringComparison.Ordinal)
        || path.EndsWith(".props", StringComparison.Ordinal)
        || path.EndsWith("nuget.config", StringComparison.OrdinalIgnoreCase);
}
