using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Souk.Cli.Commands;
using Souk.Cli.ModelShelf;
using Souk.Cli.Output;
using Souk.Protocol;
using Souk.Wire.Http;

namespace Souk.Cli.Tests.ModelShelf;

/// <summary>The model commands on the embedding model that the repository ships, from its folder and from a web server.
/// </summary>
public sealed class ModelCommandsTests : IDisposable
{
    private static readonly string Source = Repository.Find("models/embedding/model")
        ?? throw new InvalidOperationException("models/embedding/model is not in the source tree.");

    private readonly TestFolder data = new();

    public void Dispose() => data.Dispose();

    [Fact]
    public async Task A_folder_is_added_listed_checked_and_removed()
    {
        var added = await JsonAsync("model", "add", Source, "--name", "demo-embedding");
        string directory = added.GetProperty("directory").GetString()!;
        Assert.Equal("embeddings", added.GetProperty("kind").GetString());
        Assert.Equal(64, added.GetProperty("context").GetInt32());
        Assert.Equal("onnx/model.onnx", added.GetProperty("onnx_file").GetString());
        Assert.StartsWith(data.Path, directory, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(directory, "1_Pooling/config.json")));

        var listed = await JsonAsync("model", "list");
        Assert.Equal(added.GetProperty("digest").GetString(), listed.GetProperty("models")[0].GetProperty("digest")
            .GetString());
        Assert.Equal("as added", (await JsonAsync("model", "check", "demo-embedding")).GetProperty("state")
            .GetString());
        await RefusedAsync("model_exists", "model", "add", Source, "--name", "demo-embedding");

        await File.AppendAllTextAsync(Path.Combine(directory, "config.json"), " ");
        await RefusedAsync("model_changed", "model", "check", "demo-embedding");
        await JsonAsync("model", "remove", "demo-embedding");
        Assert.False(Directory.Exists(directory));
        await RefusedAsync("model_missing", "model", "remove", "demo-embedding");
    }

    [Fact]
    public async Task Files_may_stay_where_they_are()
    {
        var added = await JsonAsync("model", "add", Source, "--name", "here", "--in-place");
        Assert.Equal(Path.GetFullPath(Source), added.GetProperty("directory").GetString());
        await JsonAsync("model", "remove", "here");
        Assert.True(File.Exists(Path.Combine(Source, "config.json")));
    }

    [Fact]
    public async Task A_provider_sells_an_added_model_by_its_name()
    {
        var added = await JsonAsync("model", "add", Source, "--name", "shelved");
        using var screen = new PipedScreen();
        var parsed = CommandTree.Root(screen.Screen).Parse(["provider", "--model", "shelved", "--data", data.Path]);
        var choice = EngineOptions.Choice(parsed);
        Assert.Equal(added.GetProperty("directory").GetString(), choice.Directory);
        Assert.Equal(("onnx/model.onnx", "shelved"), (choice.OnnxFile, choice.Name));
        await using var engine = (await choice.LoadAsync(default)).Value.Engine;
        Assert.Equal(added.GetProperty("digest").GetString(), engine.Model.Manifest.Digest.ToString());
    }

    [Theory]
    [InlineData("../up")]
    [InlineData(".hidden")]
    [InlineData("a/b")]
    [InlineData("")]
    public async Task A_name_is_a_folder_and_nothing_else(string name) =>
        await RefusedAsync("model_name", "model", "add", Source, "--name", name);

    [Fact]
    public async Task A_model_that_cannot_run_is_refused_with_the_reason_and_leaves_nothing()
    {
        using var broken = new TestFolder();
        Copy(Source, broken.Path);
        await File.WriteAllTextAsync(broken.In("tokenizer.json"), """{"model":{"type":"WordLevel","vocab":{}}}""");
        string message = await RefusedAsync("model_unsupported", "model", "add", broken.Path, "--name", "broken");
        Assert.Contains("WordLevel", message, StringComparison.Ordinal);
        Assert.Empty((await JsonAsync("model", "list")).GetProperty("models").EnumerateArray());
    }

    [Theory]
    [InlineData("/m/", "/m/manifest.json")]
    [InlineData("/m/manifest.json", "/m/manifest.json")]
    [InlineData("/souk/v1/models/x/files/", "/souk/v1/models/x/files/")]
    public async Task A_url_is_fetched_by_its_manifest(string url, string manifestAt)
    {
        await using var server = new ModelServer();
        var manifest = Serve(server, url.Replace("manifest.json", "", StringComparison.Ordinal), manifestAt);
        var added = await JsonAsync("model", "add", server.Url + url, "--name", "far", "--allow-private");
        Assert.Equal(manifest.Digest.ToString(), added.GetProperty("digest").GetString());
        Assert.Equal("as added", (await JsonAsync("model", "check", "far")).GetProperty("state").GetString());
    }

    [Fact]
    public async Task A_broken_download_goes_on_where_it_stopped()
    {
        await using var server = new ModelServer();
        Serve(server, "/m/", "/m/manifest.json");
        server.CutAfter = 400_000;
        string[] command = ["model", "add", server.Url + "/m/", "--name", "far", "--allow-private"];
        await RefusedAsync("model_url", command);
        await JsonAsync(command);
        Assert.Contains("/m/onnx/model.onnx 400000", server.Asked);
    }

    [Fact]
    public async Task A_file_that_is_not_the_manifest_s_is_refused()
    {
        await using var server = new ModelServer();
        Serve(server, "/m/", "/m/manifest.json");
        server.Files["/m/config.json"] = [.. server.Files["/m/config.json"].Reverse()];
        await RefusedAsync("model_files_wrong", "model", "add", server.Url + "/m/", "--name", "far", "--allow-private");
        server.Files["/m/config.json"] = new byte[100_000];
        await RefusedAsync("model_files_wrong", "model", "add", server.Url + "/m/", "--name", "far", "--allow-private");
    }

    [Fact]
    public async Task Sizes_digests_and_paths_are_checked_before_anything_is_fetched()
    {
        await using var server = new ModelServer();
        var manifest = Serve(server, "/m/", "/m/manifest.json");
        string url = server.Url + "/m/";
        await RefusedAsync("model_digest", "model", "add", url, "--name", "far", "--allow-private", "--digest", "0x00");
        await RefusedAsync("model_too_large", "model", "add", url, "--name", "far", "--allow-private", "--max-bytes",
            "9");
        server.Files["/m/manifest.json"] = Encoding.UTF8.GetBytes(
            $$"""{"files":[{"path":"../../evil","sha256":"{{manifest.Digest}}","size":1}],"numerics":""}""");
        Assert.NotEqual(ExitCodes.Ok, (await RunAsync("model", "add", url, "--name", "far", "--allow-private")).Code);
        Assert.All(server.Asked, asked => Assert.Equal("/m/manifest.json 0", asked));
    }

    [Fact]
    public async Task A_private_network_is_out_of_reach_unless_it_is_allowed()
    {
        await using var server = new ModelServer();
        Serve(server, "/m/", "/m/manifest.json");
        string secure = server.Url.Replace("http:", "https:", StringComparison.Ordinal);
        await RefusedAsync("model_url", "model", "add", server.Url + "/m/", "--name", "far");
        string message = await RefusedAsync("model_url", "model", "add", secure + "/m/", "--name", "far");
        Assert.Contains("--allow-private", message, StringComparison.Ordinal);
        Assert.Empty(server.Asked);

        server.Redirects["/m/manifest.json"] = "/m/manifest.json";
        await RefusedAsync("model_url", "model", "add", server.Url + "/m/", "--name", "far", "--allow-private");
        Assert.Equal(6, server.Asked.Count);
    }

    [Fact]
    public async Task After_a_redirection_the_address_is_judged_anew()
    {
        await using var server = new ModelServer();
        Serve(server, "/m/", "/inside/manifest.json");
        var port = new Uri(server.Url).Port;
        server.Redirects["/m/manifest.json"] = $"http://changes.test:{port}/inside/manifest.json";
        server.Redirects["/n/manifest.json"] = $"http://other.test:{port}/inside/manifest.json";
        int asked = 0;
        // The first name answers with this machine once and then with a private network, the other with that at once.
        var connector = new JudgedConnector(IPAddress.IsLoopback, (host, _) => Task.FromResult<IPAddress[]>(
            [host == "changes.test" && asked++ == 0 ? IPAddress.Loopback : IPAddress.Parse("10.0.0.1")]));
        using var download = new ModelDownload(allowsPrivate: true, connector);

        var changed = await download.ManifestAsync(new Uri($"http://changes.test:{port}/m/"), default);
        var led = await download.ManifestAsync(new Uri(server.Url + "/n/"), default);

        Assert.All([changed, led], result => Assert.Equal("model_url", result.Refusal!.Code));
        Assert.All([changed, led], result =>
            Assert.Contains("--allow-private", result.Refusal!.Message, StringComparison.Ordinal));
        Assert.Equal(2, asked);
        Assert.Equal(["/m/manifest.json 0", "/n/manifest.json 0"], server.Asked);
    }

    private static ModelManifest Serve(ModelServer server, string folder, string manifestAt)
    {
        List<ManifestEntry> entries = [];
        foreach (string path in Directory.EnumerateFiles(Source, "*", SearchOption.AllDirectories))
        {
            string name = Path.GetRelativePath(Source, path).Replace('\\', '/');
            byte[] bytes = File.ReadAllBytes(path);
            server.Files[folder + name] = bytes;
            entries.Add(new ManifestEntry(name, Bytes32.FromBytes(SHA256.HashData(bytes)), (ulong)bytes.Length));
        }

        var manifest = ModelManifest.FromFiles(entries, "w=float32,a=float32");
        server.Files[manifestAt] = SoukJson.Serialize(manifest);
        return manifest;
    }

    private static void Copy(string from, string to)
    {
        foreach (string path in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, path));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(path, target);
        }
    }

    private async Task<(int Code, string Output)> RunAsync(params string[] arguments)
    {
        using var screen = new PipedScreen();
        int code = await screen.RunAsync([.. arguments, "--data", data.Path, "--json"]);
        return (code, screen.Output);
    }

    private async Task<JsonElement> JsonAsync(params string[] arguments)
    {
        var (code, output) = await RunAsync(arguments);
        Assert.True(code == ExitCodes.Ok, output);
        return JsonDocument.Parse(output).RootElement;
    }

    private async Task<string> RefusedAsync(string code, params string[] arguments)
    {
        var (exit, output) = await RunAsync(arguments);
        Assert.NotEqual(ExitCodes.Ok, exit);
        var error = JsonDocument.Parse(output).RootElement.GetProperty("error");
        Assert.True(code == error.GetProperty("code").GetString(), output);
        return error.GetProperty("message").GetString()!;
    }
}
