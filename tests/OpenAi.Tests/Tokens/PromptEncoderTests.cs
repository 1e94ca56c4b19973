using System.Text;
using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Templates;
using Souk.OpenAi.Tokens;

namespace Souk.OpenAi.Tests.Tokens;

public sealed class PromptEncoderTests
{
    private static readonly Tokenizer _tokenizer =
        TokenizerConformanceTests.Load(TestFiles.Read("vectors", "tokenizers", "qwen3.json"));

    private static readonly PromptEncoder _encoder = new(
        _tokenizer,
        ChatTemplate.Compile(Encoding.UTF8.GetString(TestFiles.Read("templates", "chatml.jinja"))).Value);

    [Fact]
    public void A_request_becomes_the_ids_of_its_rendered_prompt()
    {
        var ids = _encoder.Encode(Request("""[{"role":"user","content":"Hi"}]"""));

        var start = _tokenizer.IdOf("<|im_start|>")!.Value;
        var end = _tokenizer.IdOf("<|im_end|>")!.Value;
        int[] expected =
        [
            start, .. _tokenizer.Encode("user\nHi", false), end, .. _tokenizer.Encode("\n", false),
            start, .. _tokenizer.Encode("assistant\n", false),
        ];
        Assert.Equal(expected, ids.Value);
    }

    [Fact]
    public void Images_are_refused_with_a_400()
    {
        var result = _encoder.Encode(Request(
            """[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}]"""));

        Assert.Equal(400, result.Error?.Status);
        Assert.Equal("image_not_supported", result.Error?.Code);
    }

    /// <summary>The demo model's own encoder, written in Python, gives these ids.</summary>
    [Fact]
    public void The_demo_model_counts_as_its_training_did()
    {
        var cases = Path.Combine(Repository(), "models", "demo", "eval", "tokenizer_cases.json");
        var file = Path.Combine(Repository(), "models", "demo", "model", "tokenizer.json");
        var tokenizer = TokenizerConformanceTests.Load(File.ReadAllBytes(file));
        using var document = JsonDocument.Parse(File.ReadAllBytes(cases));
        Assert.True(document.RootElement.GetArrayLength() > 20);
        foreach (var entry in document.RootElement.EnumerateArray())
        {
            var text = entry.GetProperty("text").GetString()!;
            Assert.Equal(entry.GetProperty("ids").Deserialize<int[]>(), tokenizer.Encode(text, parseSpecial: true));
            if (entry.TryGetProperty("plain", out var plain))
            {
                Assert.Equal(plain.Deserialize<int[]>(), tokenizer.Encode(text, parseSpecial: false));
            }
        }
    }

    private static string Repository()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Souk.slnx")))
        {
            directory = Path.GetDirectoryName(directory)!;
        }

        return directory;
    }

    private static ChatRequest Request(string messages) =>
        ChatRequest.Parse(Encoding.UTF8.GetBytes($$"""{"model":"m","messages":{{messages}}}""")).Value;
}
