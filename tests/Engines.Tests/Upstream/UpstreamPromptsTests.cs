using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Souk.Engines.Tests.TinyModels;
using Souk.Engines.Upstream;
using Souk.OpenAi.Completions;
using Souk.Protocol;

namespace Souk.Engines.Tests.Upstream;

/// <summary>Raw prompts, sent to an upstream's own completions.</summary>
public sealed class UpstreamPromptsTests : IAsyncLifetime
{
    private const string Stream = """
        data: {"object":"text_completion","choices":[{"index":0,"text":"Hi","finish_reason":null,"token_ids":[72,105],
        data: "logprobs":{"tokens":["H","i"],"token_logprobs":[-1,-2],"top_logprobs":null,"text_offset":[0,1]}}]}

        data: {"choices":[{"index":0,"text":"","logprobs":null,"finish_reason":"length"}]}

        data: {"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":2}}

        data: [DONE]


        """;

    private const string Scored = """
        {"choices":[{"index":0,"text":"ab!","logprobs":{"tokens":["a","b","!"],"token_logprobs":[null,-0.5,-3],
        "top_logprobs":[null,{"b":-0.5,"c":-1},{"!":-3}]},"finish_reason":"length"}],
        "usage":{"prompt_tokens":2,"completion_tokens":1}}
        """;

    private readonly List<string> _asked = [];
    private LoopbackServer server = null!;

    public async ValueTask InitializeAsync()
    {
        server = await LoopbackServer.StartAsync();
        server.Complete = AnswerAsync;
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    [Fact]
    public async Task A_prompt_goes_to_completions_and_its_logprobs_come_back_in_the_shape_of_chats()
    {
        await using var engine = await ConnectAsync();
        _asked.Clear();
        var events = await engine.AllAsync(For("""{"model":"m","prompt":"ab","max_tokens":2,"logprobs":1}"""));

        Assert.Equal("Hi", events.Text());
        Assert.Equal(new Finished(0, "length", 2), events.End());
        Assert.Equal(new PromptCounted(2, 0, null), events.OfType<PromptCounted>().Single());
        var told = JsonNode.Parse(events.OfType<TokenOut>().First().Logprobs.Span)!;
        Assert.Equal(["H", "i"], told["content"]!.AsArray().Select(token => (string)token!["token"]!));
        var sent = JsonNode.Parse(Assert.Single(_asked))!;
        Assert.Equal("ab", (string?)sent["prompt"]);
        Assert.Equal(1, (int)sent["logprobs"]!);
        Assert.Null(sent["messages"]);
        Assert.Null(sent["echo"]);
    }

    [Fact]
    public async Task What_is_counted_here_is_sent_as_the_ids_that_are_billed()
    {
        using var folder = ModelFolder.Create(new TinyLlama(new TinyShape()));
        server.ProbeText = LoopbackServer.ProbeWithIds;
        await using var engine = await ConnectAsync(options => options with { TokenizerDirectory = folder.Path });
        Assert.Equal("ids", engine.Model.Counting);
        _asked.Clear();
        var request = For("""{"model":"m","prompt":"ab","max_tokens":2}""");
        await engine.AllAsync(request with { PromptIds = engine.EncodePrompt(request.Chat) });

        var ids = JsonNode.Parse(Assert.Single(_asked))!["prompt"]!.AsArray().Select(id => (int)id!).ToArray();
        Assert.Equal(['a', 'b'], ids[^2..]);
    }

    [Fact]
    public async Task A_prompt_is_scored_by_a_request_of_its_own()
    {
        await using var engine = await ConnectAsync();
        _asked.Clear();
        var events = await engine.AllAsync(
            For("""{"model":"m","prompt":"ab","max_tokens":2,"logprobs":2,"echo":true}"""));

        var scored = JsonNode.Parse(events.OfType<PromptScored>().Single().Logprobs.Span)!["content"]!.AsArray();
        Assert.Equal(["a", "b"], scored.Select(token => (string)token!["token"]!));
        Assert.Null(scored[0]!["logprob"]);
        Assert.Equal(2, scored[1]!["top_logprobs"]!.AsArray().Count);
        Assert.True(events.FindIndex(e => e is PromptScored) < events.FindIndex(e => e is TokenOut));
        Assert.Equal(2, _asked.Count);
        Assert.True((bool)JsonNode.Parse(_asked[0])!["echo"]!);
        Assert.Null(JsonNode.Parse(_asked[1])!["echo"]);
    }

    [Fact]
    public async Task A_prompt_that_is_only_scored_is_answered_without_a_token()
    {
        await using var engine = await ConnectAsync();
        _asked.Clear();
        var events = await engine.AllAsync(
            For("""{"model":"m","prompt":"ab","max_tokens":0,"logprobs":2,"echo":true}"""));

        Assert.Single(_asked);
        Assert.Empty(events.OfType<TokenOut>());
        Assert.Equal(new Finished(0, "length", 0), events.End());
        Assert.Equal(2, events.OfType<PromptCounted>().Single().Input);
    }

    [Theory]
    [InlineData("""{"choices":[{"index":0,"text":"ab"}],"usage":{"prompt_tokens":2}}""")]
    [InlineData("{\"choices\":[{\"index\":0,\"text\":\"ab\",\"logprobs\":{\"tokens\":[\"a\"],\"token_logprobs\":[1]}}],"
        + "\"usage\":{\"prompt_tokens\":2}}")]
    [InlineData("""{"choices":[]}""")]
    [InlineData("nonsense")]
    public async Task An_upstream_that_does_not_score_what_it_was_asked_to_is_at_fault(string reply)
    {
        await using var engine = await ConnectAsync();
        server.Complete = context => context.Response.WriteAsync(reply);
        var failure = await Assert.ThrowsAsync<EngineException>(() => engine.AllAsync(
            For("""{"model":"m","prompt":"ab","max_tokens":0,"logprobs":2,"echo":true}""")));

        Assert.Equal((Fault.Ours, "upstream_protocol"), (failure.Fault, failure.Code));
    }

    private async Task AnswerAsync(HttpContext context)
    {
        string body = await LoopbackServer.BodyAsync(context);
        lock (_asked)
        {
            _asked.Add(body);
        }

        using var asked = JsonDocument.Parse(body);
        bool isEcho = asked.RootElement.TryGetProperty("echo", out _);
        await (isEcho ? context.Response.WriteAsync(Scored) : LoopbackServer.StreamAsync(context, Stream));
    }

    private static EngineRequest For(string body)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(body);
        var chat = CompletionRequest.Parse(bytes).Value.Chat;
        return new EngineRequest(
            chat, bytes, SamplingKey.FromSeed(1), SamplingParameters.Default, chat.MaxTokens!.Value, [], 1, "payer");
    }

    private async Task<UpstreamEngine> ConnectAsync(Func<UpstreamOptions, UpstreamOptions>? change = null)
    {
        var options = new UpstreamOptions
        {
            BaseUrl = server.BaseUrl, Features = [EngineFeatures.Logprobs, EngineFeatures.PromptLogprobs],
        };
        return await UpstreamEngine.ConnectAsync(change?.Invoke(options) ?? options, TimeProvider.System, default);
    }
}
