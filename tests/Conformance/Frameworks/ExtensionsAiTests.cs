using System.ClientModel;
using System.ClientModel.Primitives;
using System.ComponentModel;
using Microsoft.Extensions.AI;
using OpenAI;
using Souk.Conformance.Composition;

namespace Souk.Conformance.Frameworks;

/// <summary>Microsoft.Extensions.AI, unmodified, against the real gateway.</summary>
public sealed class ExtensionsAiTests(FrameworkNetwork shared) : IClassFixture<FrameworkNetwork>
{
    private const string Question = "What is the weather in Berlin?";

    [Fact]
    public async Task It_chats_and_counts()
    {
        var reply = await Client().GetResponseAsync(Question);

        Assert.Equal("The answer is 42.", reply.Text);
        Assert.Equal(ChatFinishReason.Stop, reply.FinishReason);
        Assert.True(reply.Usage?.TotalTokenCount > 20);
        var plain = await Client(MarketNetwork.Model).GetResponseAsync(
            "What is 12 plus 30?", new ChatOptions { Temperature = 0, MaxOutputTokens = 24 });
        Assert.NotEmpty(plain.Text);
    }

    [Fact]
    public async Task It_streams()
    {
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in Client().GetStreamingResponseAsync(Question))
        {
            updates.Add(update);
        }

        Assert.True(updates.Count(update => update.Text.Length > 0) > 1);
        Assert.Equal("The answer is 42.", updates.ToChatResponse().Text);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_calls_a_tool_and_answers_with_what_it_said(bool isStreamed)
    {
        var asked = new List<string>();
        var weather = AIFunctionFactory.Create(
            ([Description("The city.")] string city) =>
            {
                asked.Add(city);
                return $"It is sunny in {city}";
            },
            "get_weather", "The weather of a city.");
        using var client = new ChatClientBuilder(Client()).UseFunctionInvocation().Build();
        var options = new ChatOptions { Tools = [weather] };

        var reply = isStreamed
            ? await client.GetStreamingResponseAsync(Question, options).ToChatResponseAsync()
            : await client.GetResponseAsync(Question, options);

        Assert.Equal(["Berlin"], asked);
        Assert.Contains("It is sunny in Berlin", reply.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_gets_structured_output()
    {
        var reply = await Client().GetResponseAsync<Weather>(Question);

        Assert.Equal(new Weather("Berlin", 42), reply.Result);
    }

    [Fact]
    public async Task It_sees_the_error_of_a_model_that_nobody_offers()
    {
        var error = await Assert.ThrowsAsync<ClientResultException>(
            () => Client("souk-nobody").GetResponseAsync(Question));

        Assert.Equal(404, error.Status);
    }

    private IChatClient Client(string model = MarketNetwork.Scripted) => new OpenAIClient(
        new ApiKeyCredential(shared.ApiKey),
        new OpenAIClientOptions { Endpoint = shared.Network.BaseUrl, RetryPolicy = new ClientRetryPolicy(0) })
        .GetChatClient(model).AsIChatClient();

    private sealed record Weather(string City, double Degrees);
}
