namespace Souk.Protocol.Tests.Manifests;

public class ModelManifestTests
{
    private static readonly Bytes32 Hash = Sha.Hash("file"u8);

    [Fact]
    public void Digests_and_roots_are_those_of_the_reference() =>
        Assert.All(Vectors.Read("protocol/manifest.json").EnumerateArray(), row =>
        {
            var manifest = SoukJson.ParseText<ModelManifest>(row.GetProperty("manifest").GetRawText()).Value;
            Assert.Equal(row.Word("digest"), manifest.Digest);
            Assert.Equal(row.Word("weights_root"), manifest.WeightsRoot);
            Assert.Equal(row.Word("tokenizer_root"), manifest.TokenizerRoot);
            Assert.Equal(row.Word("template_root"), manifest.TemplateRoot);
            var reversed = ModelManifest.FromFiles(manifest.Files.Reverse(), manifest.Numerics);
            Assert.Equal(manifest, reversed);
            Assert.Equal(manifest.Digest, reversed.Digest);
            var back = SoukJson.Parse<ModelManifest>(SoukJson.Serialize(manifest)).Value;
            Assert.Equal(manifest, back);
        });

    [Fact]
    public void A_model_of_one_file_is_that_file()
    {
        var manifest = ModelManifest.FromFiles([new("model.gguf", Hash, 7)], "q4");
        Assert.Equal(Hash, manifest.Digest);
        Assert.Equal(manifest.Digest, ModelManifest.FromFiles([new("renamed.gguf", Hash, 7)], "q8").Digest);
    }

    [Fact]
    public void Any_change_of_a_file_changes_the_digest()
    {
        ManifestEntry[] files = [new("a.bin", Hash, 1), new("config.json", Hash, 2)];
        var changed = new[]
        {
            files,
            [files[0] with { Path = "b.bin" }, files[1]],
            [files[0] with { Size = 3 }, files[1]],
            [files[0] with { Sha256 = Bytes32.Zero }, files[1]],
            [.. files, new("extra", Hash, 1)],
        };
        Assert.Equal(5, changed.Select(set => ModelManifest.FromFiles(set, "").Digest).Distinct().Count());
    }

    [Theory]
    [InlineData("")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData("./a")]
    [InlineData("a/../b")]
    [InlineData("a\\b")]
    [InlineData("a\nb")]
    public void Unfit_paths_are_refused(string path) =>
        Assert.Throws<ArgumentException>(() => ModelManifest.FromFiles([new(path, Hash, 1)], ""));

    [Fact]
    public void Sets_out_of_bounds_are_refused()
    {
        Assert.Throws<ArgumentException>(() => ModelManifest.FromFiles([], ""));
        Assert.Throws<ArgumentException>(() => ModelManifest.FromFiles([new("a", Hash, 1), new("a", Hash, 2)], ""));
        Assert.Throws<ArgumentException>(() => ModelManifest.FromFiles([new(new string('é', 128), Hash, 1)], ""));
        Assert.Throws<ArgumentException>(() => ModelManifest.FromFiles(
            Enumerable.Range(0, 4097).Select(i => new ManifestEntry($"f{i}", Hash, 1)), ""));
    }

    [Fact]
    public void The_template_may_live_in_the_tokenizers_configuration()
    {
        var config = new ManifestEntry("tokenizer_config.json", Hash, 1);
        var apart = new ManifestEntry("chat_template.jinja", Hash, 2);
        var together = ModelManifest.FromFiles([config, new("tokenizer.json", Hash, 3)], "");
        Assert.True(together.HasRole(config, ModelFileRole.Template));
        Assert.True(together.HasRole(config, ModelFileRole.Tokenizer));
        var split = ModelManifest.FromFiles([config, apart], "");
        Assert.True(split.HasRole(apart, ModelFileRole.Template) && !split.HasRole(config, ModelFileRole.Template));
        Assert.Equal(apart, split.Find("chat_template.jinja"));
        Assert.Null(split.Find("CHAT_TEMPLATE.jinja"));
    }
}
