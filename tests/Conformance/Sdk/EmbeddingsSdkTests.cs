using System.ClientModel;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using OpenAI;
using OpenAI.Embeddings;
using Souk.Conformance.Composition;

namespace Souk.Conformance.Sdk;

/// <summary>Embeddings through the unmodified SDKs, which ask for base64, beside plain numbers; the real encoder
/// answers.</summary>
public sealed class EmbeddingsSdkTests : IAsyncLifetime
{
    private static readonly string[] Texts = ["a small brown dog", "a little dog", "the price of copper"];
    private MarketNetwork _network = null!;
    private string _key = null!;

    public async ValueTask InitializeAsync()
    {
        _network = await MarketNetwork.StartAsync(new NetworkPlan
        {
            ModelDirectory = Places.EmbeddingModel,
        });
        _key = await _network.KeyAsync("app");
    }

    public ValueTask DisposeAsync() => _network.DisposeAsync();

    [Fact]
    public async Task Both_sdks_and_plain_json_get_the_same_vectors_and_the_bill_is_the_inputs()
    {
        var client = new EmbeddingClient(
            MarketNetwork.Model, new ApiKeyCredential(_key), new OpenAIClientOptions { Endpoint = _network.BaseUrl });
        OpenAIEmbeddingCollection made = await client.GenerateEmbeddingsAsync(Texts);
        var node = await NodeSdk.CallAsync(_network.BaseUrl, _key, "embed", Request());
        var plain = await PlainAsync();

        for (var i = 0; i < Texts.Length; i++)
        {
            var vector = made[i].ToFloats().ToArray();
            Assert.Equal(i, made[i].Index);
            Assert.Equal(vector, node.GetProperty("vectors")[i].EnumerateArray().Select(number => number.GetSingle()));
            Assert.Equal(vector, plain.GetProperty("data")[i].GetProperty("embedding").EnumerateArray()
                .Select(number => number.GetSingle()));
            Assert.Equal(1, vector.Sum(number => number * number), 3);
        }

        Assert.True(made.Usage.InputTokenCount > Texts.Length);
        Assert.Equal(made.Usage.InputTokenCount, made.Usage.TotalTokenCount);
        Assert.Equal(made.Usage.InputTokenCount, node.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());

        // Input alone, at 1.3 units a token, each request rounded up once; both ledgers say the same.
        await _network.Admin.SettleDownAsync();
        var keys = await _network.Admin.GetAsync("/admin/v1/keys");
        var spent = keys.GetProperty("keys").EnumerateArray()
            .Select(key => AdminReader.Units(key.GetProperty("spent").GetString()!))
                .Aggregate((sum, some) => sum + some);
        Assert.Equal(3 * (((made.Usage.InputTokenCount * 13) + 9) / 10), spent);
    }

    [Fact]
    public async Task What_embeds_does_not_chat_and_the_sdk_says_so()
    {
        var chat = await NodeSdk.RunAsync(_network.BaseUrl, _key, [SdkJob.Ask("chat", "Hello", false)]);

        Assert.Equal(("BadRequestError", 400, "model_not_supported"),
            (chat[0].Error!.Name, chat[0].Error!.Status, chat[0].Error!.Code));
    }

    private static JsonObject Request() => new()
    {
        ["model"] = MarketNetwork.Model, ["input"] = new JsonArray([.. Texts.Select(text => (JsonNode)text)]),
    };

    private async Task<JsonElement> PlainAsync()
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new("Bearer", _key);
        using var reply = await http.PostAsJsonAsync(
            new Uri(_network.BaseUrl.AbsoluteUri.TrimEnd('/') + "/embeddings"), Request());
        Assert.True(reply.IsSuccessStatusCode);
        return await reply.Content.ReadFromJsonAsync<JsonElement>();
    }
}
