using Souk.Cli.State;
using Souk.Protocol;

namespace Souk.Cli.Tests.State;

public sealed class NetworkSourceTests
{
    private static readonly NetworkFile Sample = new(
        31337, ["http://127.0.0.1:8545"], Named(1), Named(2), Named(3), Named(4), 6, 1, 1, 10, null, null, []);

    [Theory]
    [InlineData("elsewhere/network.json")]
    [InlineData("elsewhere")]
    public async Task A_network_that_was_named_is_remembered(string place)
    {
        using var folder = new TestFolder();
        Directory.CreateDirectory(folder.In("elsewhere"));
        await File.WriteAllTextAsync(folder.In("elsewhere/network.json"), Sample.ToJson());
        var data = new DataDirectory(folder.In("data"));

        Assert.Equal(Sample.ToJson(), (await NetworkSource.ReadAsync(data, folder.In(place), default)).Value.ToJson());
        Assert.Equal(Sample.ToJson(), (await NetworkSource.ReadAsync(data, null, default)).Value.ToJson());
    }

    [Fact]
    public async Task A_name_is_a_file_among_the_networks_of_the_data_folder()
    {
        using var folder = new TestFolder();
        var data = new DataDirectory(folder.Path);
        await File.WriteAllTextAsync(Path.Combine(data.Folder("networks"), "test.json"), Sample.ToJson());

        Assert.Equal(Sample.Registry, (await NetworkSource.ReadAsync(data, "test", default)).Value.Registry);
        Assert.Equal("unreadable", (await NetworkSource.ReadAsync(data, "other", default)).Refusal!.Code);
    }

    [Fact]
    public async Task A_catalogue_is_found_beside_its_network_file()
    {
        using var folder = new TestFolder();
        var network = Sample with { Catalogue = "models.json", CatalogueSigner = Named(5) };
        await File.WriteAllTextAsync(folder.In("network.json"), network.ToJson());

        var read = await NetworkSource.ReadAsync(
            new DataDirectory(folder.In("data")), folder.In("network.json"), default);

        Assert.Equal(folder.In("models.json"), read.Value.Catalogue);
    }

    [Fact]
    public async Task Keys_and_ledgers_of_one_network_are_not_used_on_another()
    {
        using var folder = new TestFolder();
        var data = new DataDirectory(folder.In("data"));
        await File.WriteAllTextAsync(folder.In("one.json"), Sample.ToJson());
        await File.WriteAllTextAsync(folder.In("two.json"), (Sample with { Registry = Named(9) }).ToJson());
        await File.WriteAllTextAsync(
            folder.In("moved.json"), (Sample with { RpcUrls = ["http://127.0.0.1:9545"] }).ToJson());

        Assert.True((await NetworkSource.ReadAsync(data, folder.In("one.json"), default)).IsOk);
        Assert.Equal(
            "network_other", (await NetworkSource.ReadAsync(data, folder.In("two.json"), default)).Refusal!.Code);
        Assert.True((await NetworkSource.ReadAsync(data, folder.In("moved.json"), default)).IsOk);
        Assert.Equal(["http://127.0.0.1:9545"], (await NetworkSource.ReadAsync(data, null, default)).Value.RpcUrls);
    }

    [Fact]
    public async Task A_file_that_is_too_large_is_not_read()
    {
        using var folder = new TestFolder();
        await File.WriteAllTextAsync(folder.In("network.json"), new string(' ', NetworkFile.MaxBytes + 1));

        var read = await NetworkSource.ReadAsync(
            new DataDirectory(folder.In("data")), folder.In("network.json"), default);

        Assert.Equal("unreadable", read.Refusal!.Code);
    }

    private static Address Named(byte last) => Address.FromBytes([.. new byte[19], last]);
}
