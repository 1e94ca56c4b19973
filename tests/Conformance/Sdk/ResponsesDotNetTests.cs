#pragma warning disable OPENAI001 // The SDK marks its Responses client as a preview.
using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using OpenAI.Responses;
using Souk.Conformance.Composition;

namespace Souk.Conformance.Sdk;

/// <summary>The Responses API through the unmodified OpenAI SDK for .NET.</summary>
[Collection(ScriptedNetworkCollection.Name)]
public sealed class ResponsesDotNetTests(ScriptedNetwork shared)
{
    [Fact]
    public async Task An_answer_is_the_same_whole_and_streamed()
    {
        var client = Client();
        var whole = (await client.CreateResponseAsync(Ask(MarketNetwork.Model, "What is 12 plus 30?"))).Value;
        var text = new StringBuilder();
        ResponseResult? last = null;
        await foreach (var update in await client.CreateResponseStreamingAsync(
            Ask(MarketNetwork.Model, "What is 12 plus 30?", isStreamed: true)))
        {
            text.Append((update as StreamingResponseOutputTextDeltaUpdate)?.Delta);
            last = (update as StreamingResponseCompletedUpdate)?.Response ?? last;
        }

        Assert.Equal(ResponseStatus.Completed, whole.Status);
        Assert.NotEmpty(whole.GetOutputText());
        Assert.Equal(whole.GetOutputText(), text.ToString());
        Assert.Equal(whole.GetOutputText(), last!.GetOutputText());
        Assert.Equal(whole.Usage.TotalTokenCount, last.Usage.TotalTokenCount);
        Assert.True(whole.Usage.InputTokenCount > 0 && whole.Usage.OutputTokenCount > 0);
        Assert.Equal("b", whole.Metadata["a"]);
    }

    [Fact]
    public async Task A_tool_is_called_and_its_result_read()
    {
        var client = Client();
        var options = Ask(MarketNetwork.Scripted, "What is the weather?");
        options.Tools.Add(ResponseTool.CreateFunctionTool(
            "weather", BinaryData.FromString("""
                {"type":"object","properties":{"city":{"type":"string"}},"required":["city"],
                 "additionalProperties":false}
                """), strictModeEnabled: true));
        var asked = (await client.CreateResponseAsync(options)).Value;
        var call = Assert.IsType<FunctionCallResponseItem>(Assert.Single(asked.OutputItems));
        Assert.Equal("weather", call.FunctionName);
        Assert.Equal("""{"city":"Berlin"}""", call.FunctionArguments.ToString());

        options.InputItems.Add(call);
        options.InputItems.Add(ResponseItem.CreateFunctionCallOutputItem(call.CallId, "sunny"));
        var answered = (await client.CreateResponseAsync(options)).Value;

        Assert.Equal("The tool says: sunny", answered.GetOutputText());
    }

    [Fact]
    public async Task A_mistake_and_a_failure_are_told()
    {
        var options = Ask(MarketNetwork.Model, "Hello");
        options.PreviousResponseId = "resp_1";
        var mistake = await Assert.ThrowsAsync<ClientResultException>(() => Client().CreateResponseAsync(options));
        Assert.Equal(400, mistake.Status);
        Assert.Contains("previous_response_id", mistake.Message, StringComparison.Ordinal);

        List<StreamingResponseUpdate> updates = [];
        await foreach (var update in await Client().CreateResponseStreamingAsync(
            Ask(MarketNetwork.Scripted, ScriptedServer.Fails, isStreamed: true)))
        {
            updates.Add(update);
        }

        var failed = Assert.Single(updates.OfType<StreamingResponseFailedUpdate>()).Response;
        Assert.Equal(ResponseStatus.Failed, failed.Status);
        Assert.Equal(failed.Error.Message, Assert.Single(updates.OfType<StreamingResponseErrorUpdate>()).Message);
    }

    private static CreateResponseOptions Ask(string model, string question, bool isStreamed = false)
    {
        var options = new CreateResponseOptions(model, [ResponseItem.CreateUserMessageItem(question)])
        {
            Temperature = 0, Instructions = "Be brief.", StreamingEnabled = isStreamed,
        };
        options.Metadata["a"] = "b";
        return options;
    }

    private ResponsesClient Client() => new(
        new ApiKeyCredential(shared.ApiKey),
        new ResponsesClientOptions { Endpoint = shared.Network.BaseUrl, RetryPolicy = new ClientRetryPolicy(0) });
}
