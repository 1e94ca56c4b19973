using System.Text;
using System.Text.Json.Nodes;
using Souk.OpenAi.Listing;

namespace Souk.OpenAi.Tests.Listing;

public sealed class ModelListTests
{
    [Fact]
    public void A_list_has_what_OpenAI_and_OpenRouter_clients_read()
    {
        var list = new ModelList(
        [
            new ModelEntry("plain", 5, "souk"),
            new ModelEntry("priced", 6, "souk")
            {
                Name = "Priced",
                ContextLength = 4096,
                MaxOutput = 512,
                Pricing = new ModelPricing("0.00000015", "0.0000006", "0.000000075"),
                Extra = writer => writer.WriteString("digest", "0x01"),
            },
        ]);

        Assert.Equal(
            """{"object":"list","data":[{"id":"plain","object":"model","created":5,"owned_by":"souk"},"""
            + """{"id":"priced","object":"model","created":6,"owned_by":"souk","name":"Priced","context_length":4096,"""
            + "\"max_output_length\":512,\"pricing\":{\"prompt\":\"0.00000015\",\"completion\":\"0.0000006\","
            + "\"input_cache_read\":\"0.000000075\"},\"digest\":\"0x01\"}]}",
            Encoding.UTF8.GetString(list.ToJson()));
        Assert.Equal(
            """{"id":"plain","object":"model","created":5,"owned_by":"souk"}""",
            Encoding.UTF8.GetString(list.Data[0].ToJson()));
    }

    [Fact]
    public void Endpoints_are_written_as_OpenRouter_clients_read_them()
    {
        var model = new ModelEntry("author/slug", 5, "souk") { Name = "Slug", InputModalities = ["text", "image"] };
        var endpoint = new ModelEndpoint("0xA1", "0xA1/0x02", new ModelPricing("0.000002", "0.000006"))
        {
            ModelName = "slug", ContextLength = 4096, MaxOutput = 512, Numerics = "w=f32", TrustTier = "new",
            SupportedParameters = ["seed"],
        };

        var written = JsonNode.Parse(new ModelEndpoints(model, [endpoint]).ToJson());
        Assert.True(JsonNode.DeepEquals(written, JsonNode.Parse("""
            {"data": {"id": "author/slug", "name": "Slug", "created": 5, "description": "",
              "architecture": {"modality": "text+image->text", "input_modalities": ["text", "image"],
                "output_modalities": ["text"]},
              "endpoints": [{"name": "0xA1 | slug", "model_name": "slug", "provider_name": "0xA1", "tag": "0xA1/0x02",
                "context_length": 4096, "max_completion_tokens": 512, "max_prompt_tokens": 4096,
                "pricing": {"prompt": "0.000002", "completion": "0.000006"}, "quantization": "w=f32",
                "supported_parameters": ["seed"], "status": 0, "region": "", "hardware": "", "data_policy": "",
                "trust_tier": "new"}]}}
            """)), written!.ToJsonString());
    }
}
