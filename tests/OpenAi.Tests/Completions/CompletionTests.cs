using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Completions;
using Souk.OpenAi.Embeddings;

namespace Souk.OpenAi.Tests.Completions;

public sealed class CompletionTests
{
    private const string Full =
        "{\"model\":\"m\",\"prompt\":[[1,2]],\"max_tokens\":3,\"n\":2,\"best_of\":2,\"stream\":true,"
        + "\"stream_options\":{\"include_usage\":true},\"echo\":true,\"logprobs\":2,\"stop\":[\"a\"],\"seed\":4,"
        + "\"temperature\":0.5,\"top_p\":0.9,\"frequency_penalty\":1,\"presence_penalty\":-1,\"logit_bias\":{\"5\":1},"
        + "\"suffix\":null,\"user\":\"u\"}";

    [Fact]
    public void A_request_is_read_and_written_anew_for_the_provider()
    {
        var request = CompletionRequest.Parse(Bytes(Full)).Value;

        Assert.True(request.Echo && request.Chat.Stream && request.Chat.IncludeUsage && request.Chat.PromptLogprobs);
        Assert.Equal([1, 2], request.Chat.Prompt!.Ids!);
        var body = JsonNode.Parse(request.Chat.ToProviderBody("digest", 2))!;
        Assert.Equal("[1,2]", body["prompt"]!.ToJsonString());
        Assert.Equal((2, 2, true), ((int)body["max_tokens"]!, (int)body["logprobs"]!, (bool)body["echo"]!));
        Assert.Null(body["messages"]);
        var again = CompletionRequest.Parse(Bytes(body.ToJsonString())).Value.Chat;
        Assert.Equal(request.Chat.Prompt.Ids, again.Prompt!.Ids);
        Assert.Equal(
            (request.Chat.Seed, request.Chat.TopLogprobs, request.Chat.PromptLogprobs, request.Chat.Choices),
            (again.Seed, again.TopLogprobs, again.PromptLogprobs, again.Choices));
    }

    [Fact]
    public void Logprobs_keep_their_meaning_both_ways()
    {
        var legacy = "{\"tokens\":[\"Hé\",\" you\"],\"token_logprobs\":[null,-0.25],"
            + "\"top_logprobs\":[null,{\" you\":-0.25,\" me\":-2}],\"text_offset\":[9,99]}";
        var chat = ChatLogprobs.From(Bytes(legacy));
        using var reply = new CompletionReply("cmpl-1", 7, Asked("{\"model\":\"m\",\"prompt\":\"p\",\"logprobs\":2}"));
        var whole = JsonNode.Parse(reply.Whole(
            [new ChatChoice(0, "Hé you", "stop") { Logprobs = chat }], new Usage(1, 2)))!;

        var written = whole["choices"]![0]!["logprobs"]!;
        Assert.Equal("[\"Hé\",\" you\"]", written["tokens"]!.ToJsonString(Plain));
        Assert.Equal("[null,-0.25]", written["token_logprobs"]!.ToJsonString());
        Assert.Equal("[null,{\" you\":-0.25,\" me\":-2}]", written["top_logprobs"]!.ToJsonString());
        Assert.Equal("[0,2]", written["text_offset"]!.ToJsonString());
    }

    [Fact]
    public void Offsets_count_characters_even_where_a_token_holds_a_part_of_one()
    {
        var parts = "{\"content\":[{\"token\":\"\\ufffd\",\"logprob\":-1,\"bytes\":[240,159]},"
            + "{\"token\":\"\\ufffd\",\"logprob\":-1,\"bytes\":[152,128]},"
            + "{\"token\":\"<s>\",\"logprob\":-1,\"bytes\":null},"
            + "{\"token\":\"x\",\"logprob\":-1,\"bytes\":[120]}]}";
        using var reply = new CompletionReply("cmpl-1", 7, Asked("{\"model\":\"m\",\"prompt\":\"p\",\"logprobs\":0}"));
        var whole = JsonNode.Parse(reply.Whole(
            [new ChatChoice(0, "\U0001F600x", "stop") { Logprobs = Bytes(parts) }], new Usage(1, 4)))!;

        Assert.Equal("[0,1,1,1]", whole["choices"]![0]!["logprobs"]!["text_offset"]!.ToJsonString());
    }

    [Fact]
    public void A_first_token_that_no_text_has_takes_no_place_in_it()
    {
        var prompt = "{\"content\":[{\"token\":\"<s>\",\"logprob\":null,\"bytes\":[60,115,62]},"
            + "{\"token\":\"Hi\",\"logprob\":-1,\"bytes\":[72,105]}]}";
        var answer = "{\"content\":[{\"token\":\"!\",\"logprob\":-1,\"bytes\":[33]}]}";
        using var reply = new CompletionReply(
            "cmpl-1", 7, Asked("{\"model\":\"m\",\"prompt\":\"Hi\",\"logprobs\":0,\"echo\":true}"));
        var whole = JsonNode.Parse(reply.Whole(
            [new ChatChoice(0, "!", "stop") { PromptLogprobs = Bytes(prompt), Logprobs = Bytes(answer) }],
            new Usage(2, 1)))!;

        Assert.Equal("Hi!", (string?)whole["choices"]![0]!["text"]);
        Assert.Equal("[0,0,2]", whole["choices"]![0]!["logprobs"]!["text_offset"]!.ToJsonString());
    }

    [Fact]
    public void A_stream_repeats_the_prompt_once_for_each_choice()
    {
        using var reply = new CompletionReply(
            "cmpl-1", 7, Asked("{\"model\":\"m\",\"prompt\":\"Hi\",\"echo\":true,\"n\":2,\"stream\":true}"));
        var output = new ArrayBufferWriter<byte>();
        reply.Part(new ChunkChoice(1) { Content = "b" }, output);
        reply.Part(new ChunkChoice(0) { Content = "a", FinishReason = "stop" }, output);
        reply.Part(new ChunkChoice(1) { FinishReason = "length" }, output);
        reply.End(new Usage(2, 2), output);

        const string Head = "data: {\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":7,\"model\":\"m\","
            + "\"choices\":[{\"index\":";
        const string Open = "\"logprobs\":null,\"finish_reason\":null}]}\n\n";
        Assert.Equal(
            Head + "1,\"text\":\"Hi\"," + Open + Head + "1,\"text\":\"b\"," + Open
            + Head + "0,\"text\":\"Hi\"," + Open + Head + "0,\"text\":\"a\"," + Open
            + Head + "0,\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n"
            + Head + "1,\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n",
            Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Fact]
    public void Prompt_logprobs_of_a_chunk_are_read_back()
    {
        using var writer = new ChatStreamWriter("i", 1, "m", isText: true);
        var data = writer.PromptLogprobs(0, "{\"content\":[]}"u8);

        var chunk = ChatChunk.Parse(data[6..^2].Span).Value;
        Assert.Equal("{\"content\":[]}", Encoding.UTF8.GetString(chunk.Choices[0].PromptLogprobs.Span));
        Assert.Equal("", chunk.Choices[0].Content);
    }

    [Fact]
    public void No_bytes_make_the_parsers_throw()
    {
        var seeds = new[]
        {
            Full, "{\"model\":\"m\",\"input\":[[1],[2,3]],\"encoding_format\":\"base64\",\"dimensions\":8}",
            "{\"data\":[{\"index\":0,\"embedding\":\"AACAPw==\"},{\"index\":1,\"embedding\":[1.5]}],"
                + "\"usage\":{\"prompt_tokens\":3}}",
            "{\"tokens\":[\"a\"],\"token_logprobs\":[-1],\"top_logprobs\":[{\"a\":-1}],\"text_offset\":[0]}",
        };
        string[] splices = ["null", "[]", "{}", "-1", "1e999", "\"\"", "[[", "\\ud800", "true", "9999999999999999999",
            ","];
        var gen = Gen.Select(
            Gen.Int[0, seeds.Length - 1], Gen.Int[0, 400], Gen.Int[0, 12], Gen.Int[0, splices.Length - 1]);
        gen.Sample((which, at, cut, splice) =>
        {
            var text = seeds[which];
            at %= text.Length;
            var bytes = Bytes(text[..at] + splices[splice] + text[Math.Min(at + cut, text.Length)..]);
            _ = CompletionRequest.Parse(bytes).IsOk;
            _ = EmbeddingInputs.Parse(bytes).IsOk;
            _ = EmbeddingList.Parse(bytes, 2).IsOk;
            if (ChatChunk.Parse(
                Bytes("{\"choices\":[{\"index\":0,\"logprobs\":" + Encoding.UTF8.GetString(bytes) + "}]}"))
                is { IsOk: true } chunk)
            {
                var told = ChatLogprobs.From(chunk.Value.Choices[0].Logprobs);
                using var reply = new CompletionReply("c", 1, Asked(
                    "{\"model\":\"m\",\"prompt\":\"p\",\"logprobs\":1}"));
                _ = reply.Whole([new ChatChoice(0, "a", "stop") { Logprobs = told }], new Usage(1, 1));
            }
        });
    }

    private static readonly System.Text.Json.JsonSerializerOptions Plain = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static CompletionRequest Asked(string body) => CompletionRequest.Parse(Bytes(body)).Value;

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
