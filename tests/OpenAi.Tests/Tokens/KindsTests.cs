using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Souk.OpenAi.Tokens;

namespace Souk.OpenAi.Tests.Tokens;

/// <summary>What holds for every kind of tokenizer, and what each kind refuses.</summary>
public sealed class KindsTests
{
    public static TheoryData<string> Names() => [.. Kinds.Names, "llama2", "gemma3", "llama3", "qwen3"];

    public static TheoryData<string, string, string, string> Changes() => new()
    {
        { "llama2", "model.unk_token", "\"nowhere\"", "model unk_token" },
        { "llama2", "model.byte_fallback", "\"yes\"", "shape" },
        { "llama2", "model.vocab", "{\"<unk>\":0}", "merges" },
        { "llama2", "normalizer", "{\"type\":\"NFKC\"}", "normalizer NFKC" },
        { "llama2", "normalizer", Replace("a", new string('b', 40)), "normalizer Replace" },
        { "llama2", "decoder", "{\"type\":\"ByteLevel\"}", "decoder" },
        { "llama2", "decoder", Decoders("Fuse", "Fuse"), "decoder Fuse" },
        { "llama2", "decoder", Decoders("Fuse", "ByteFallback"), "decoder ByteFallback" },
        { "llama2", "decoder", "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}", "decoder Strip" },
        { "llama2", "decoder", Replace("a", "a long replacement"), "decoder Replace" },
        { "llama2", "added_tokens", Late("word"), "added_tokens" },
        { "llama-metaspace-first", "normalizer", "{\"type\":\"StripAccents\"}", "pre_tokenizer Metaspace" },
        { "llama-metaspace-first", "pre_tokenizer.prepend_scheme", "\"last\"", "pre_tokenizer Metaspace" },
        { "unigram", "model.unk_id", "null", "model unk_id" },
        { "unigram", "model.unk_id", "99999999", "model unk_id" },
        { "unigram", "model.vocab", "[[\"a\",1e999]]", "vocab" },
        { "unigram", "model.vocab", "[]", "vocab" },
        { "unigram", "model.byte_fallback", "true", "model byte_fallback" },
        { "bert-uncased", "model.unk_token", "\"nowhere\"", "model unk_token" },
        { "bert-uncased", "model.max_input_chars_per_word", "100000", "model max_input_chars_per_word" },
        { "bert-uncased", "pre_tokenizer", "{\"type\":\"UnicodeScripts\"}", "pre_tokenizer UnicodeScripts" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void What_a_kind_does_not_implement_is_refused_by_name(
        string kind, string path, string value, string construct)
    {
        var root = Kinds.Whole(kind);
        JsonNode parent = root;
        var parts = path.Split('.');
        foreach (var part in parts[..^1])
        {
            parent = parent[part]!;
        }

        parent[parts[^1]] = JsonNode.Parse(value);
        var loaded = Tokenizer.Load(Encoding.UTF8.GetBytes(root.ToJsonString()));

        Assert.Equal(construct, loaded.Refused?.Construct);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Pieces_are_a_prefix_of_the_decoding_at_every_token(string name)
    {
        var tokenizer = TokenizerConformanceTests.Load(Kinds.File(name));
        var id = Gen.Int[0, tokenizer.VocabularySize - 1];
        Gen.Select(id.Array[0, 30], Gen.Bool).Sample(
            (ids, skipSpecial) =>
            {
                var decoder = tokenizer.NewDecoder(skipSpecial);
                var joined = new StringBuilder();
                for (var i = 0; i < ids.Length; i++)
                {
                    joined.Append(decoder.Append(ids[i]));

                    // What was told must stand whatever comes next, and no more than half a character is missing.
                    var soFar = tokenizer.DecodeBytes(ids.AsSpan(0, i + 1), skipSpecial);
                    Assert.StartsWith(joined.ToString(), tokenizer.Decode(ids, skipSpecial), StringComparison.Ordinal);
                    Assert.Equal(
                        Encoding.UTF8.GetString(soFar.AsSpan(0, soFar.Length - decoder.HeldBytes)), joined.ToString());
                }

                joined.Append(decoder.Flush());
                Assert.Equal(tokenizer.Decode(ids, skipSpecial), joined.ToString());
            },
            iter: 60);
    }

    [Fact]
    public void Only_the_first_space_of_a_SentencePiece_answer_is_dropped()
    {
        var tokenizer = TokenizerConformanceTests.Load(Kinds.File("llama2"));
        var decoder = tokenizer.NewDecoder();
        int[] ids = [tokenizer.IdOf("</s>")!.Value, .. tokenizer.Encode("a  b c", parseSpecial: false)];

        Assert.Equal("a  b c", string.Concat(ids.Select(decoder.Append)));
        Assert.False(tokenizer.IsFirstTokenAlike);
        Assert.Equal(" a"u8.ToArray(), tokenizer.Bytes(tokenizer.IdOf("▁a")!.Value).ToArray());
    }

    [Fact]
    public void A_frame_has_what_the_file_puts_before_and_after()
    {
        var bert = TokenizerConformanceTests.Load(Kinds.File("bert-uncased"));
        var llama = TokenizerConformanceTests.Load(Kinds.File("llama2"));

        Assert.Equal(
            [bert.IdOf("[CLS]")!.Value, .. bert.Encode("a", true), bert.IdOf("[SEP]")!.Value], bert.EncodeFramed("a"));
        Assert.Equal([llama.IdOf("<s>")!.Value, .. llama.Encode("a", true)], llama.EncodeFramed("a"));
    }

    [Theory]
    [InlineData("llama2")]
    [InlineData("gemma3")]
    [InlineData("unigram")]
    [InlineData("bert-uncased")]
    public void Long_texts_without_a_border_take_no_quadratic_time(string name)
    {
        var tokenizer = TokenizerConformanceTests.Load(Kinds.File(name));

        Assert.NotEmpty(tokenizer.Encode(new string('a', 200_000), parseSpecial: true));
        Assert.NotEmpty(tokenizer.Encode(string.Concat(Enumerable.Repeat("ab ", 60_000)), parseSpecial: true));
    }

    [Fact]
    public void Thousands_of_added_tokens_cost_a_text_full_of_their_first_letter_little()
    {
        var root = Kinds.Whole("gemma3");
        var tokens = root["added_tokens"]!.AsArray();
        var next = root["model"]!["vocab"]!.AsObject().Count;
        for (var i = 0; i < 6_000; i++)
        {
            tokens.Add(new JsonObject { ["id"] = next + i, ["content"] = $"<unused{i:d4}>", ["special"] = true });
        }

        var tokenizer = TokenizerConformanceTests.Load(Encoding.UTF8.GetBytes(root.ToJsonString()));
        var text = new string('<', 300_000) + "<unused5999>";
        var started = Stopwatch.GetTimestamp();
        Assert.Equal(next + 5_999, tokenizer.Encode(text, parseSpecial: true)[^1]);

        // Comparing with every token at every place takes minutes.
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 0, 20);
    }

    [Theory]
    [InlineData("llama2")]
    [InlineData("unigram")]
    [InlineData("bert-uncased")]
    public void Damaged_files_of_other_kinds_load_or_are_refused_but_never_throw(string name)
    {
        var json = Kinds.File(name);
        Gen.Select(Gen.Int[0, json.Length - 1], Gen.Byte, Gen.Int[0, 40]).Sample(
            (at, value, cut) =>
            {
                var damaged = json.ToArray();
                damaged[at] = value;
                damaged[at * 7L % 1_500] = (byte)"{}[]\",:x0"[cut % 9];
                _ = Tokenizer.Load(damaged);
            },
            iter: 60);
    }

    private static string Replace(string pattern, string content) =>
        $$$"""{"type":"Replace","pattern":{"String":"{{{pattern}}}"},"content":"{{{content}}}"}""";

    private static string Decoders(string first, string second) =>
        $$"""{"type":"Sequence","decoders":[{"type":"{{first}}"},{"type":"{{second}}"}]}""";

    private static string Late(string content) =>
        $$"""[{"id":99999,"content":"{{content}}","normalized":true,"special":false}]""";
}
