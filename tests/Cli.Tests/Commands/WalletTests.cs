using System.Text.Json;
using Souk.Cli.Output;

namespace Souk.Cli.Tests.Commands;

public sealed class WalletTests
{
    private const string DevelopmentKey = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

    // EIP-155's example account: its key is 32 bytes of 0x46.
    private static readonly string ExampleKey = string.Concat(Enumerable.Repeat("46", 32));

    [Fact]
    public async Task A_key_that_was_imported_is_listed_with_its_address()
    {
        using var folder = new TestFolder();
        using var piped = new PipedScreen();
        var file = folder.In("key.hex");
        await File.WriteAllTextAsync(file, "0x" + ExampleKey + "\n");

        Assert.Equal(
            ExitCodes.Ok,
                await piped.RunAsync("wallet", "import", "mine", "--key-file", file, "--data", folder.In("data")));
        using var list = new PipedScreen();
        Assert.Equal(ExitCodes.Ok, await list.RunAsync("wallet", "list", "--json", "--data", folder.In("data")));

        using var json = JsonDocument.Parse(list.Output);
        var key = Assert.Single(json.RootElement.GetProperty("keys").EnumerateArray());
        Assert.Equal("mine", key.GetProperty("role").GetString());
        Assert.Equal("0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F", key.GetProperty("address").GetString());
        Assert.DoesNotContain(
            ExampleKey, piped.Output + piped.Errors + list.Output, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(
            ExampleKey, await File.ReadAllTextAsync(folder.In("data/keys/mine.json")),
                StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_key_is_never_overwritten()
    {
        using var folder = new TestFolder();
        using var piped = new PipedScreen();

        Assert.Equal(ExitCodes.Ok, await piped.RunAsync("wallet", "new", "mine", "--data", folder.Path));
        var before = await File.ReadAllTextAsync(folder.In("keys/mine.json"));
        Assert.Equal(ExitCodes.Failed, await piped.RunAsync("wallet", "new", "mine", "--data", folder.Path));
        Assert.Equal(before, await File.ReadAllTextAsync(folder.In("keys/mine.json")));
    }

    [Theory]
    [InlineData("../mine")]
    [InlineData("Mine")]
    [InlineData("a/b")]
    public async Task A_name_that_is_no_file_name_is_refused(string role)
    {
        using var folder = new TestFolder();
        using var piped = new PipedScreen();

        Assert.Equal(ExitCodes.Failed, await piped.RunAsync("wallet", "new", role, "--data", folder.In("data")));
        Assert.Empty(Directory.GetFiles(folder.Path, "*mine*", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("")]
    [InlineData("12")]
    [InlineData("not hex at all")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    public async Task What_is_no_private_key_is_refused_without_repeating_it(string text)
    {
        using var folder = new TestFolder();
        using var piped = new PipedScreen();
        await File.WriteAllTextAsync(folder.In("key.hex"), text);

        Assert.Equal(
            ExitCodes.Failed,
            await piped.RunAsync(
                "wallet", "import", "mine", "--key-file", folder.In("key.hex"), "--data", folder.Path));
        Assert.True(text.Length < 3 || !piped.Errors.Contains(text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_well_known_key_is_not_taken_where_the_chain_is_not_known()
    {
        using var folder = new TestFolder();
        using var piped = new PipedScreen();
        await File.WriteAllTextAsync(folder.In("key.hex"), DevelopmentKey);

        Assert.Equal(
            ExitCodes.Failed,
            await piped.RunAsync(
                "wallet", "import", "mine", "--key-file", folder.In("key.hex"), "--data", folder.Path));
        Assert.Contains("everybody knows", piped.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.In("keys/mine.json")));
    }
}
