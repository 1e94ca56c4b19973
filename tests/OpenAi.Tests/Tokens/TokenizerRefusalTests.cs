using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Souk.OpenAi.Tokens;

namespace Souk.OpenAi.Tests.Tokens;

public sealed class TokenizerRefusalTests
{
    private static readonly byte[] _json = TestFiles.Read("vectors", "tokenizers", "qwen3.json");

    public static TheoryData<string, string, string> Changes() => new()
    {
        { "model.type", "\"Unigram\"", "shape" },
        { "model.type", "\"WordLevel\"", "model WordLevel" },
        { "model.type", "\"WordPiece\"", "model WordPiece" },
        { "model.dropout", "0.1", "model dropout" },
        { "model.end_of_word_suffix", "\"</w>\"", "model end_of_word_suffix" },
        { "model.vocab", "{\"a\":0}", "merges" },
        { "model.merges", "[[\"a\",\"b\",\"c\"]]", "merges" },
        { "model.merges", "[\"nospace\"]", "merges" },
        { "model.merges", "[7]", "shape" },
        { "model", "null", "model" },
        { "normalizer", "{\"type\":\"Precompiled\"}", "normalizer Precompiled" },
        { "normalizer", "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"NFKC\"}]}",
        "normalizer NFKC" },
        { "pre_tokenizer", "null", "decoder" },
        { "pre_tokenizer", "{\"type\":\"Metaspace\",\"replacement\":\"__\"}", "pre_tokenizer Metaspace" },
        { "pre_tokenizer", PreTokenizers("{\"type\":\"Whitespace\"}"), "pre_tokenizer Whitespace" },
        { "pre_tokenizer", PreTokenizers(Split("(a+)+", "Isolated")), "regex" },
        { "pre_tokenizer", PreTokenizers(Split("(?:a*|b)*", "Isolated")), "regex" },
        { "pre_tokenizer", PreTokenizers(Split("\\\\p{Han}", "Isolated")), "regex" },
        { "pre_tokenizer", PreTokenizers(Split("\\\\w+", "Isolated")), "regex" },
        { "pre_tokenizer", PreTokenizers(Split("[a&&b]", "Isolated")), "regex" },
        { "pre_tokenizer", PreTokenizers(Split("^a", "Isolated")), "regex" },
        { "pre_tokenizer", PreTokenizers(Split("a", "Sideways")), "pre_tokenizer Split" },
        { "decoder", "null", "decoder" },
        { "decoder", "{\"type\":\"CTC\"}", "decoder CTC" },
        { "post_processor", "{\"type\":\"Other\"}", "post_processor Other" },
        { "added_tokens", "[{\"id\":9,\"content\":\"newtoken\",\"special\":true}]", "vocab" },
        { "added_tokens", "[{\"id\":99999,\"content\":\"\",\"special\":true}]", "added_tokens" },
        { "added_tokens", "[{\"id\":99999,\"content\":\"w\",\"single_word\":true}]", "added_tokens" },
        { "added_tokens", "[{\"id\":2147483647,\"content\":\"newtoken\"}]", "vocab" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void What_is_not_implemented_is_refused_by_name(string path, string value, string construct)
    {
        var root = JsonNode.Parse(_json)!;
        var parent = root;
        var parts = path.Split('.');
        foreach (var part in parts[..^1])
        {
            parent = parent[part]!;
        }

        parent[parts[^1]] = JsonNode.Parse(value);
        var loaded = Tokenizer.Load(Encoding.UTF8.GetBytes(root.ToJsonString()));

        Assert.False(loaded.IsOk);
        Assert.Equal(construct, loaded.Refused!.Construct);
    }

    [Fact]
    public void A_missing_byte_is_refused()
    {
        var root = JsonNode.Parse(_json)!;
        root["model"]!["merges"] = new JsonArray();
        root["model"]!["vocab"]!.AsObject().Remove("!");

        Assert.Equal("vocab", Tokenizer.Load(Encoding.UTF8.GetBytes(root.ToJsonString())).Refused?.Construct);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{\"model\":{\"vocab\":[],\"merges\":{}}}")]
    [InlineData("{\"model\":{\"vocab\":{\"\\ud800\":1},\"merges\":[]}}")]
    public void Broken_files_are_refused(string json) =>
        Assert.False(Tokenizer.Load(Encoding.UTF8.GetBytes(json)).IsOk);

    [Fact]
    public void Damaged_files_load_or_are_refused_but_never_throw()
    {
        Gen.Select(Gen.Int[0, _json.Length - 1], Gen.Byte, Gen.Int[0, 40]).Sample(
            (at, value, cut) =>
            {
                var damaged = _json.ToArray();
                damaged[at] = value;
                var from = Math.Max(0, damaged.Length - 2_500);
                damaged[from + (at % 2_400)] = (byte)"{}[]\",:x0"[cut % 9];
                _ = Tokenizer.Load(damaged);
            },
            iter: 150);
    }

    private static string PreTokenizers(string first) =>
        $$"""{"type":"Sequence","pretokenizers":[{{first}},{"type":"ByteLevel","add_prefix_space":false}]}""";

    private static string Split(string regex, string behavior) =>
        $$$"""{"type":"Split","pattern":{"Regex":"{{{regex}}}"},"behavior":"{{{behavior}}}","invert":false}""";
}
