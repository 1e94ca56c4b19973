using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Souk.OpenAi.Tokens;

namespace Souk.OpenAi.Tests.Tokens;

/// <summary>
/// Ids and texts equal those of Hugging Face's reference implementation; see vectors/tokenizers/SOURCES.
/// </summary>
public sealed class TokenizerConformanceTests
{
    /// <summary>A mark since Unicode 11; where marks are dropped, the reference library's older tables keep
    /// it.</summary>
    private const char NewMark = '\u09FE';

    private static readonly string[] _texts =
        JsonSerializer.Deserialize<string[]>(TestFiles.Read("vectors", "tokenizers", "texts.json"))!;

    private static readonly Lazy<Tokenizer> _gpt2 = new(() => Load(Gpt2.TokenizerJson()));

    public static TheoryData<string> Variants()
    {
        using var variants = JsonDocument.Parse(TestFiles.Read("vectors", "tokenizers", "variants.json"));
        return [.. variants.RootElement.EnumerateArray().Select(variant => variant.GetProperty("name").GetString()!)];
    }

    [Theory]
    [InlineData("qwen3")]
    [InlineData("llama3")]
    [InlineData("deepseek_v3")]
    [InlineData("gpt4o")]
    [InlineData("llama2")]
    [InlineData("gemma3")]
    public void Published_tokenizer_gives_the_reference_ids(string name) =>
        AssertCases(Load(TestFiles.Read("vectors", "tokenizers", name + ".json")), name);

    public static TheoryData<string> KindNames() => [.. Kinds.Names];

    [Theory]
    [MemberData(nameof(KindNames))]
    public void Other_kinds_of_tokenizers_give_the_reference_ids(string name) =>
        AssertCases(Load(Kinds.File(name)), name, strips: name is "bert-uncased" or "bert-plain" or "unigram-whole");

    public static TheoryData<string> RandomNames() => [.. Hashes().Keys];

    [Theory]
    [MemberData(nameof(RandomNames))]
    public void Random_texts_give_the_reference_ids_and_texts(string name)
    {
        var tokenizer = Load(Kinds.File(name));
        var texts = JsonSerializer.Deserialize<string[]>(TestFiles.Read("vectors", "tokenizers", "random.json.gz"))!;
        var hashes = Hashes()[name].Split(' ');
        Assert.Equal(2_000, texts.Length);
        for (var group = 0; group < hashes.Length; group++)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var text in texts.Skip(group * 10).Take(10))
            {
                var ids = tokenizer.Encode(text, parseSpecial: true);
                hash.AppendData(Encoding.UTF8.GetBytes(
                    $"{string.Join(',', ids)}\n{tokenizer.Decode(ids, skipSpecial: false)}\n"
                    + $"{tokenizer.Decode(ids, skipSpecial: true)}\n"));
            }

            var own = Convert.ToHexStringLower(hash.GetHashAndReset())[..12];
            Assert.True(own == hashes[group], $"{name}: one of the texts from {group * 10} on differs.");
        }
    }

    [Fact]
    public void Full_GPT2_vocabulary_gives_the_reference_ids() => AssertCases(_gpt2.Value, "gpt2");

    [Theory]
    [MemberData(nameof(Variants))]
    public void Other_published_settings_give_the_reference_ids(string name)
    {
        var variants = JsonNode.Parse(TestFiles.Read("vectors", "tokenizers", "variants.json"))!.AsArray();
        var variant = variants.Single(v => (string)v!["name"]! == name)!;
        var tokenizer = JsonNode.Parse(TestFiles.Read("vectors", "tokenizers", "qwen3.json"))!;
        tokenizer["pre_tokenizer"] = variant["pre_tokenizer"]!.DeepClone();
        tokenizer["normalizer"] = variant["normalizer"]?.DeepClone();
        foreach (var token in tokenizer["added_tokens"]!.AsArray())
        {
            token!["lstrip"] = (bool)variant["strip"]!;
            token["rstrip"] = (bool)variant["strip"]!;
            token["normalized"] = (bool)variant["late"]! || (bool)token["normalized"]!;
        }

        AssertCases(Load(Encoding.UTF8.GetBytes(tokenizer.ToJsonString())), name);
    }

    [Theory]
    [InlineData("", new int[0])]
    [InlineData(" ", new[] { 220 })]
    [InlineData("\t", new[] { 197 })]
    [InlineData("This is some text", new[] { 1212, 318, 617, 2420 })]
    [InlineData("indivisible", new[] { 521, 452, 12843 })]
    [InlineData("hello 👋 world 🌍", new[] { 31373, 50169, 233, 995, 12520, 234, 235 })]
    public void GPT2_gives_the_ids_that_GPT_3_Encoder_publishes(string text, int[] ids)
    {
        var tokenizer = _gpt2.Value;

        Assert.Equal(ids, tokenizer.Encode(text, parseSpecial: false));
        Assert.Equal(text, tokenizer.Decode(ids, skipSpecial: false));
    }

    private static Dictionary<string, string> Hashes() => JsonSerializer.Deserialize<Dictionary<string, string>>(
        TestFiles.Read("vectors", "tokenizers", "random.hashes.json"))!;

    internal static Tokenizer Load(byte[] json)
    {
        var loaded = Tokenizer.Load(json);
        Assert.True(loaded.IsOk, loaded.Refused?.Message);
        return loaded.Value;
    }

    private static void AssertCases(Tokenizer tokenizer, string name, bool strips = false)
    {
        using var cases = JsonDocument.Parse(TestFiles.Read("vectors", "tokenizers", name + ".cases.json"));
        Assert.Equal(_texts.Length, cases.RootElement.GetArrayLength());
        var index = 0;
        foreach (var entry in cases.RootElement.EnumerateArray())
        {
            var text = _texts[index++];
            var ids = entry[0].Deserialize<int[]>()!;
            if (strips && text.Contains(NewMark, StringComparison.Ordinal))
            {
                continue;
            }

            Assert.Equal(ids, tokenizer.Encode(text, parseSpecial: true));

            var whole = entry[1].GetString() ?? text;
            Assert.Equal(whole, tokenizer.Decode(ids, skipSpecial: false));
            Assert.Equal(entry[2].GetString() ?? whole, tokenizer.Decode(ids, skipSpecial: true));
        }
    }
}
