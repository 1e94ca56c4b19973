using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Embeddings;

namespace Souk.OpenAi.Tests.Embeddings;

public sealed class EmbeddingTests
{
    [Theory]
    [InlineData("\"a\"", "[\"a\"]")]
    [InlineData("[\"a\",\"b\"]", "[\"a\",\"b\"]")]
    [InlineData("[1,2]", "[[1,2]]")]
    [InlineData("[[1,2],[3]]", "[[1,2],[3]]")]
    public void A_request_is_read_and_written_anew_for_the_provider(string input, string written)
    {
        var request = EmbeddingInputs.Parse(
            Encoding.UTF8.GetBytes("{\"model\":\"m\",\"input\":" + input + ",\"dimensions\":4,\"user\":\"u\"}")).Value;

        Assert.Equal(
            "{\"model\":\"digest\",\"input\":" + written + ",\"encoding_format\":\"base64\",\"dimensions\":4}",
            Encoding.UTF8.GetString(request.ToProviderBody("digest", null)));
    }

    [Fact]
    public void Vectors_survive_both_formats_bit_by_bit()
    {
        var vector = Gen.Float.Where(float.IsFinite).Array[1, 40];
        Gen.Select(vector, Gen.Bool).Sample((numbers, isBase64) =>
        {
            var json = new EmbeddingList([numbers, numbers], 2).ToJson("m", new Usage(2, 0), isBase64);
            var read = EmbeddingList.Parse(json, 2).Value;
            Assert.Equal(numbers.Select(Bits), read.Vectors[1].Select(Bits));
            Assert.Equal(2, read.PromptTokens);
        });

        static int Bits(float number) => BitConverter.SingleToInt32Bits(number);
    }

    [Fact]
    public void Base64_is_little_endian_float32()
    {
        var json = JsonNode.Parse(new EmbeddingList([[1.5f, -2f]], 1).ToJson("m", new Usage(1, 0), isBase64: true))!;
        var bytes = Convert.FromBase64String((string)json["data"]![0]!["embedding"]!);

        Assert.Equal(
            (1.5f, -2f),
            (BinaryPrimitives.ReadSingleLittleEndian(bytes), BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(4))));
        Assert.Equal("{\"prompt_tokens\":1,\"total_tokens\":1}", json["usage"]!.ToJsonString());
    }

    [Fact]
    public void Vectors_that_come_in_another_order_are_put_in_theirs()
    {
        var body = "{\"data\":[{\"index\":1,\"embedding\":[2]},{\"index\":0,\"embedding\":[1]}]}";
        Assert.Equal([1f, 2f], EmbeddingList.Parse(Encoding.UTF8.GetBytes(body), 2).Value.Vectors.Select(v => v[0]));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"data\":[{\"embedding\":[1]}]}")]
    [InlineData("{\"data\":[{\"embedding\":[1]},{\"embedding\":[1,2]}]}")]
    [InlineData("{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":0,\"embedding\":[1]}]}")]
    [InlineData("{\"data\":[{\"embedding\":[1]},{\"embedding\":[\"1\"]}]}")]
    [InlineData("{\"data\":[{\"embedding\":[1]},{\"embedding\":\"AADAfw==\"}]}")]
    [InlineData("{\"data\":[{\"embedding\":[1]},{\"embedding\":\"AAA\"}]}")]
    public void A_reply_that_is_not_a_vector_for_each_input_is_refused(string body) =>
        Assert.Equal(
            (502, "malformed_embeddings"),
            EmbeddingList.Parse(Encoding.UTF8.GetBytes(body), 2).Error is { } error ? (error.Status, error.Code)
                : default);
}
