using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Souk.OpenAi.Tokens;

namespace Souk.OpenAi.Tests.Tokens;

public sealed class TokenizerTests
{
    private static readonly byte[] _json = TestFiles.Read("vectors", "tokenizers", "qwen3.json");
    private static readonly Tokenizer _tokenizer = TokenizerConformanceTests.Load(_json);

    [Fact]
    public void Special_text_is_ordinary_text_unless_asked_for()
    {
        const string text = "a<|im_start|>b";
        var without = JsonNode.Parse(_json)!;
        var tokens = without["added_tokens"]!.AsArray();
        for (var i = tokens.Count - 1; i >= 0; i--)
        {
            if ((bool)tokens[i]!["special"]!)
            {
                tokens.RemoveAt(i);
            }
        }

        var start = _tokenizer.IdOf("<|im_start|>")!.Value;
        var ordinary = _tokenizer.Encode(text, parseSpecial: false);

        Assert.DoesNotContain(start, ordinary);
        Assert.Equal(text, _tokenizer.Decode(ordinary, skipSpecial: true));
        Assert.Contains(start, _tokenizer.Encode(text, parseSpecial: true));
        Assert.Equal("ab", _tokenizer.Decode(_tokenizer.Encode(text, parseSpecial: true), skipSpecial: true));
        Assert.True(_tokenizer.IsSpecial(start));
        Assert.Equal("<|im_start|>"u8.ToArray(), _tokenizer.Bytes(start).ToArray());
    }

    [Fact]
    public void Encoding_and_decoding_any_text_gives_the_text_back()
    {
        // Llama 3's file has no normalizer, so even decomposed text must survive.
        var tokenizer = TokenizerConformanceTests.Load(TestFiles.Read("vectors", "tokenizers", "llama3.json"));
        Gen.String.Sample(text =>
        {
            var expected = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
            Assert.Equal(expected, tokenizer.Decode(tokenizer.Encode(text, parseSpecial: true), skipSpecial: false));
        });
    }

    [Fact]
    public void Unknown_ids_decode_to_nothing()
    {
        Assert.Equal("", _tokenizer.Decode([-1, int.MaxValue, _tokenizer.VocabularySize], skipSpecial: false));
        Assert.True(_tokenizer.Bytes(-1).IsEmpty);
        Assert.Null(_tokenizer.IdOf("no such token"));
    }

    [Fact]
    public void Incremental_decoding_joined_equals_decoding_at_once()
    {
        var id = Gen.Int[0, _tokenizer.VocabularySize - 1];
        Gen.Select(id.Array[0, 40], Gen.Bool).Sample((ids, skipSpecial) =>
        {
            var decoder = _tokenizer.NewDecoder(skipSpecial);
            var joined = new StringBuilder();
            foreach (var each in ids)
            {
                joined.Append(decoder.Append(each));
                Assert.InRange(decoder.HeldBytes, 0, 3);
            }

            joined.Append(decoder.Flush());
            Assert.Equal(_tokenizer.Decode(ids, skipSpecial), joined.ToString());
        });
    }

    [Fact]
    public void Incremental_decoding_holds_back_half_a_character_only()
    {
        var ids = _tokenizer.Encode("\u2603", parseSpecial: false);
        var decoder = _tokenizer.NewDecoder();
        var texts = ids.Select(decoder.Append).ToArray();

        Assert.True(ids.Length > 1);
        Assert.All(texts[..^1], text => Assert.Equal("", text));
        Assert.Equal("\u2603", texts[^1]);
    }

    [Fact]
    public void Ends_come_from_both_config_files()
    {
        var loaded = Tokenizer.Load(
            _json,
            Encoding.UTF8.GetBytes("""
                {"eos_token":{"content":"<|im_end|>"},"bos_token":null,
                 "chat_template":[{"name":"x","template":"no"},{"name":"default","template":"{{ 1 }}"}]}
                """),
            Encoding.UTF8.GetBytes($$"""{"eos_token_id":[{{_tokenizer.IdOf("<|endoftext|>")}}]}"""));

        Assert.Equal(
            new[] { _tokenizer.IdOf("<|endoftext|>")!.Value, _tokenizer.IdOf("<|im_end|>")!.Value }.Order(),
            loaded.Value.EosIds);
        Assert.Equal("<|im_end|>", loaded.Value.EosToken);
        Assert.Null(loaded.Value.BosToken);
        Assert.Equal("{{ 1 }}", loaded.Value.ChatTemplateSource);
    }

    [Fact]
    public void A_long_run_without_a_border_takes_no_quadratic_time()
    {
        var text = new string('x', 400_000);

        var ids = _tokenizer.Encode(text, parseSpecial: true);

        Assert.Equal(text, _tokenizer.Decode(ids, skipSpecial: false));
    }
}
