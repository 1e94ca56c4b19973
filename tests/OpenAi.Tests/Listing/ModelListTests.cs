using System.Text;
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
}
