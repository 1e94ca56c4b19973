using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Souk.Engines.Tests.TinyModels;
using Souk.Engines.Upstream;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Embeddings;
using Souk.Protocol;

namespace Souk.Engines.Tests.Upstream;

/// <summary>An upstream whose model embeds: it refuses chats and makes a vector of the length of each text.</summary>
public sealed class UpstreamEmbeddingTests : IAsyncLifetime
{
    private readonly List<int> _asked = [];
    private LoopbackServer server = null!;

    public async ValueTask InitializeAsync()
    {
        server = await LoopbackServer.StartAsync();
        server.ProbePasses = false;
        server.Answer = context =>
        {
            context.Response.StatusCode = 400;
            return context.Response.WriteAsync("""{"error":{"message":"this model does not chat"}}""");
        };
        server.Embed = EmbedAsync;
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    [Fact]
    public async Task It_is_found_to_embed_and_nothing_else()
    {
        await using var engine = await ConnectAsync();

        Assert.Equal([EngineFeatures.Embeddings], engine.Model.Features);
        Assert.Equal("usage", engine.Model.Counting);
        var chat = Ask.For("Hi");
        var refused = Assert.Throws<EngineException>(() => engine.EncodePrompt(chat.Chat));
        Assert.Equal((Fault.Theirs, "model_not_supported"), (refused.Fault, refused.Code));
        refused = await Assert.ThrowsAsync<EngineException>(() => engine.AllAsync(chat));
        Assert.Equal((Fault.Theirs, "model_not_supported"), (refused.Fault, refused.Code));
    }

    [Fact]
    public async Task Many_inputs_go_in_several_requests_and_come_back_in_their_order()
    {
        await using var engine = await ConnectAsync();
        _asked.Clear();
        var texts = Enumerable.Range(1, 70).Select(length => new string('x', length)).ToList();
        var made = await engine.EmbedAsync(new EmbeddingRequest(Inputs([.. texts]), null, "payer"), default);

        Assert.Equal(texts.Select(text => (float)text.Length), made.Vectors.Select(vector => vector[0]));
        Assert.Equal(texts.Sum(text => text.Length), made.InputTokens);
        Assert.Equal([32, 32, 6], _asked);
    }

    [Fact]
    public async Task With_the_tokenizer_at_hand_the_ids_count()
    {
        using var folder = ModelFolder.Create(new TinyLlama(new TinyShape()));
        await using var engine = await ConnectAsync(options => options with { TokenizerDirectory = folder.Path });
        Assert.Equal("ids", engine.Model.Counting);
        // A gateway takes only files that the manifest names.
        Assert.All(engine.Model.PublicFiles.Keys, name =>
            Assert.Contains(engine.Model.Manifest.Files, file => file.Path == name));
        int[][] ids = engine.EncodeInputs(Inputs("abc"))!;
        var made = await engine.EmbedAsync(new EmbeddingRequest(Inputs("abc"), ids, "payer"), default);

        Assert.Equal(ids[0].Length, made.InputTokens);
        Assert.Equal(['a', 'b', 'c'], ids[0][^3..]);
    }

    [Fact]
    public async Task Vectors_of_another_length_than_asked_for_are_its_fault()
    {
        await using var engine = await ConnectAsync();
        var failure = await Assert.ThrowsAsync<EngineException>(() => engine.EmbedAsync(
            new EmbeddingRequest(Inputs("a") with { Dimensions = 3 }, null, "payer"), default));

        Assert.Equal((Fault.Ours, "upstream_protocol"), (failure.Fault, failure.Code));
    }

    [Theory]
    [InlineData(400, Fault.Theirs, "request_refused")]
    [InlineData(429, Fault.Ours, "engine_busy")]
    [InlineData(500, Fault.Ours, "upstream_error")]
    public async Task Its_refusals_say_whose_fault_they_are(int status, Fault fault, string code)
    {
        await using var engine = await ConnectAsync();
        server.Embed = context =>
        {
            context.Response.StatusCode = status;
            return context.Response.WriteAsync("""{"error":{"message":"no"}}""");
        };
        var failure = await Assert.ThrowsAsync<EngineException>(() => engine.EmbedAsync(
            new EmbeddingRequest(Inputs("a"), null, "payer"), default));

        Assert.Equal((fault, code), (failure.Fault, failure.Code));
    }

    [Fact]
    public async Task A_model_that_chats_does_not_embed()
    {
        server.ProbePasses = true;
        await using var engine = await ConnectAsync();

        var refused = Assert.Throws<EngineException>(() => engine.EncodeInputs(Inputs("a")));
        Assert.Equal((Fault.Theirs, "model_not_supported"), (refused.Fault, refused.Code));
        await Assert.ThrowsAsync<EngineException>(() => engine.EmbedAsync(
            new EmbeddingRequest(Inputs("a"), null, "payer"), default));
    }

    private static EmbeddingInputs Inputs(params string[] texts) =>
        new([.. texts.Select(text => new RawPrompt(text))], null);

    private async Task EmbedAsync(HttpContext context)
    {
        using var body = JsonDocument.Parse(await LoopbackServer.BodyAsync(context));
        var texts = body.RootElement.GetProperty("input").EnumerateArray().Select(text => text.GetString()!).ToList();
        lock (_asked)
        {
            _asked.Add(texts.Count);
        }

        var entries = texts.Select((text, index) => new { index, embedding = new[] { text.Length, 1.5 } });
        await context.Response.WriteAsJsonAsync(new
        {
            data = entries.Reverse(), usage = new { prompt_tokens = texts.Sum(text => text.Length) },
        });
    }

    private async Task<UpstreamEngine> ConnectAsync(Func<UpstreamOptions, UpstreamOptions>? change = null)
    {
        var options = new UpstreamOptions { BaseUrl = server.BaseUrl };
        return await UpstreamEngine.ConnectAsync(change?.Invoke(options) ?? options, TimeProvider.System, default);
    }
}
