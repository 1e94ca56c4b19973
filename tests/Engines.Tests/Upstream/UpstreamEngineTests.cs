using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Souk.Engines.Tests.TinyModels;
using Souk.Engines.Tests.TinyModels.Families;
using Souk.Engines.Upstream;
using Souk.Protocol;

namespace Souk.Engines.Tests.Upstream;

public sealed class UpstreamEngineTests : IAsyncLifetime
{
    private const string Ids = """
        data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"prompt_token_ids":[1,2]}

        data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null,"token_ids":[72,105]}]}

        data: {"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop","token_ids":[257]}]}

        data: {"choices":[],"usage":{"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":2}}}

        data: [DONE]


        """;

    private const string OneLetter = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n";

    private LoopbackServer server = null!;

    public async ValueTask InitializeAsync() => server = await LoopbackServer.StartAsync();

    public ValueTask DisposeAsync() => server.DisposeAsync();

    [Fact]
    public async Task Token_ids_count_where_the_tokenizer_is_at_hand()
    {
        using var folder = ModelFolder.Create(new TinyLlama(new TinyShape()));
        server.ProbeText = Ids;
        server.Answer = context => LoopbackServer.StreamAsync(context, Ids);
        await using var engine = await ConnectAsync(options => options with { TokenizerDirectory = folder.Path });
        Assert.Equal("ids", engine.Model.Counting);
        Assert.Contains("tokenizer.json", engine.Model.PublicFiles.Keys);
        // A gateway takes only files that the manifest names.
        Assert.All(engine.Model.PublicFiles, file => Assert.Contains(
            new ManifestEntry(file.Key, Sha.Hash(file.Value.Span), (ulong)file.Value.Length),
            engine.Model.Manifest.Files));
        Assert.NotEqual(Bytes32.Zero, engine.Model.Manifest.TokenizerRoot);

        var events = await engine.AllAsync(Ask.For("Hi"));
        int[] prompt = [ModelFolder.Begin, ModelFolder.User, 'H', 'i', ModelFolder.Assistant];
        Assert.Equal(prompt, Assert.IsType<PromptCounted>(events[0]).PromptIds);
        var last = events.OfType<PromptCounted>().Last();
        Assert.Equal((3, 2), (last.Input, last.Cached));
        Assert.Equal([72, 105, 257], events.Ids());
        Assert.Equal(new Finished(0, "stop", 3), events.End());
    }

    [Fact]
    public async Task A_tokenizer_that_drops_the_first_space_leaves_the_count_to_usage()
    {
        // Servers differ in whether they send that space, so honest text would look wrong beside the ids.
        using var made = FamilyFolder.Create("llama-2-7b");
        server.ProbeText = Ids;
        server.Answer = context => LoopbackServer.StreamAsync(context, Ids);
        await using var engine = await ConnectAsync(
            options => options with { TokenizerDirectory = made.Folder.Path });
        Assert.Equal("usage", engine.Model.Counting);
        Assert.Empty(engine.Model.PublicFiles);
    }

    [Fact]
    public async Task Without_a_tokenizer_usage_counts_even_where_ids_are_given()
    {
        server.ProbeText = Ids;
        server.Answer = context => LoopbackServer.StreamAsync(context, Ids);
        await using var engine = await ConnectAsync();
        Assert.Equal("usage", engine.Model.Counting);
        Assert.Empty(engine.Model.PublicFiles);
        var events = await engine.AllAsync(Ask.For("Hi"));
        Assert.Empty(events.Ids());
        Assert.Equal("Hi", events.Text());
        Assert.Equal(new PromptCounted(3, 2, null), events.OfType<PromptCounted>().Single());
    }

    [Fact]
    public async Task Only_known_fields_go_upstream()
    {
        await using var engine = await ConnectAsync();
        var more = new
        {
            temperature = 0.5, chat_template = "{{ evil }}", guided_regex = "(a+)+", cache_salt = "x", user = "me",
        };
        await engine.AllAsync(Ask.For("Hi", maxTokens: 7, seed: 3, stop: ["END"], more: more, payer: "alice"));
        using var sent = JsonDocument.Parse(server.Asked[^1]);
        var root = sent.RootElement;
        Assert.Equal(0.5, root.GetProperty("temperature").GetDouble());
        Assert.Equal(7, root.GetProperty("max_tokens").GetInt32());
        Assert.Equal("END", root.GetProperty("stop")[0].GetString());
        Assert.True(root.GetProperty("stream_options").GetProperty("include_usage").GetBoolean());
        Assert.False(root.TryGetProperty("chat_template", out _));
        Assert.False(root.TryGetProperty("guided_regex", out _));
        Assert.False(root.TryGetProperty("user", out _));

        // The prefix cache's salt is the payer's, hashed, and not what the request asked for.
        string salt = root.GetProperty("cache_salt").GetString()!;
        Assert.Equal(32, salt.Length);
        Assert.DoesNotContain("alice", server.Asked[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4096, false)]
    [InlineData(4095, true)]
    public async Task A_limit_of_the_whole_context_is_left_out_where_it_would_be_refused(int maxTokens, bool isSent)
    {
        await using var engine = await ConnectAsync();
        await engine.AllAsync(Ask.For("Hi", maxTokens: maxTokens, more: new { max_tokens = maxTokens }));
        using var sent = JsonDocument.Parse(server.Asked[^1]);
        Assert.Equal(isSent, sent.RootElement.TryGetProperty("max_tokens", out _));
    }

    [Theory]
    [InlineData("http://169.254.169.254/schema")]
    [InlineData("file:///etc/passwd")]
    public async Task A_schema_that_refers_elsewhere_is_refused(string url)
    {
        await using var engine = await ConnectAsync();
        var schema = new Dictionary<string, object> { ["properties"] = new Dictionary<string, object>
        {
            ["a"] = new Dictionary<string, string> { ["$ref"] = url },
        } };
        var format = new { response_format = new { type = "json_schema", json_schema = new { name = "s", schema } } };
        var refused = await engine.RefusedAsync(Ask.For("Hi", more: format));
        Assert.Equal((Fault.Theirs, "schema_reference"), (refused.Fault, refused.Code));
        Assert.Single(server.Asked);
    }

    [Theory]
    [InlineData(400, Fault.Theirs, "too_long")]
    [InlineData(422, Fault.Theirs, "too_long")]
    [InlineData(401, Fault.Ours, "upstream_error")]
    [InlineData(404, Fault.Ours, "upstream_error")]
    [InlineData(302, Fault.Ours, "upstream_error")]
    [InlineData(429, Fault.Ours, "engine_busy")]
    [InlineData(500, Fault.Ours, "upstream_error")]
    [InlineData(503, Fault.Ours, "engine_busy")]
    [InlineData(504, Fault.Ours, "upstream_timeout")]
    public async Task A_status_says_whose_fault_it_was(int status, Fault fault, string code)
    {
        server.Answer = async context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = "http://127.0.0.1:1/";
            await context.Response.WriteAsync("""{"error":{"message":"at 10.0.0.7:\nno","code":"too_long"}}""");
        };
        await using var engine = await ConnectAsync();
        var refused = await engine.RefusedAsync(Ask.For("Hi"));
        Assert.Equal((fault, code), (refused.Fault, refused.Code));

        // What only the operator may know (addresses, keys) is not told to the customer.
        Assert.Equal(fault == Fault.Theirs, refused.Message.Contains("10.0.0.7", StringComparison.Ordinal));
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Fact]
    public async Task An_error_in_the_stream_ends_it_as_ours()
    {
        server.Answer = context => LoopbackServer.StreamAsync(context, """
            data: {"choices":[{"index":0,"delta":{"content":"Hal"},"finish_reason":null}]}

            data: {"error":{"message":"CUDA out of memory","code":500}}


            """);
        await using var engine = await ConnectAsync();
        var failed = await engine.RefusedAsync(Ask.For("Hi"));
        Assert.Equal((Fault.Ours, "upstream_error"), (failed.Fault, failed.Code));
    }

    [Theory]
    [InlineData("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n", "upstream_truncated")]
    [InlineData("data: nonsense\n\n", "upstream_protocol")]
    [InlineData("data: {\"choices\":[{\"index\":9,\"delta\":{\"content\":\"x\"}}]}\n\n", "upstream_protocol")]
    [InlineData("data: [DONE]\n\n", "upstream_truncated")]
    public async Task A_broken_stream_is_ours(string stream, string code)
    {
        server.Answer = context => LoopbackServer.StreamAsync(context, stream);
        await using var engine = await ConnectAsync();
        var failed = await engine.RefusedAsync(Ask.For("Hi"));
        Assert.Equal((Fault.Ours, code), (failed.Fault, failed.Code));
    }

    [Fact]
    public async Task A_line_without_end_is_cut_off()
    {
        server.Answer = async context =>
        {
            context.Response.ContentType = "text/event-stream";
            byte[] endless = Encoding.ASCII.GetBytes("data: " + new string('x', 60_000));
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.Body.WriteAsync(endless, context.RequestAborted);
            }
        };
        await using var engine = await ConnectAsync(options => options with { MaxEventBytes = 65_536 });
        var failed = await engine.RefusedAsync(Ask.For("Hi"));
        Assert.Equal("upstream_protocol", failed.Code);
        await server.Left.Task.WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System);
    }

    [Fact]
    public async Task An_upstream_that_never_starts_runs_into_the_first_token_limit()
    {
        var time = new FakeTimeProvider();
        await using var engine = await ConnectAsync(
            options => options with { FirstTokenTimeout = TimeSpan.FromSeconds(60) }, time);
        var asked = new TaskCompletionSource();
        server.Answer = async context =>
        {
            // Keep-alive comments and a role chunk are no token.
            await LoopbackServer.StreamAsync(
                context, ": alive\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n");
            asked.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        };
        var answer = engine.RefusedAsync(Ask.For("Hi"));
        await asked.Task;
        time.Advance(TimeSpan.FromSeconds(59));
        Assert.False(answer.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal((Fault.Ours, "upstream_first_token_timeout"), ((await answer).Fault, (await answer).Code));
        await server.Left.Task.WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System);
    }

    [Fact]
    public async Task The_idle_limit_does_not_run_while_the_consumer_holds_the_stream()
    {
        var time = new FakeTimeProvider();
        await using var engine = await ConnectAsync(
            options => options with { IdleTimeout = TimeSpan.FromSeconds(10) }, time);
        server.Answer = async context =>
        {
            await LoopbackServer.StreamAsync(context, OneLetter);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        };
        await using var pulled = engine.GenerateAsync(Ask.For("Hi"), default).GetAsyncEnumerator();
        Assert.True(await pulled.MoveNextAsync());
        time.Advance(TimeSpan.FromMinutes(5));
        var next = pulled.MoveNextAsync().AsTask();
        Assert.False(next.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal("upstream_idle_timeout", (await Assert.ThrowsAsync<EngineException>(() => next)).Code);
    }

    [Fact]
    public async Task A_client_that_leaves_closes_the_upstream_connection()
    {
        server.Answer = async context =>
        {
            await LoopbackServer.StreamAsync(context, OneLetter);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        };
        await using var engine = await ConnectAsync();
        using var leaving = new CancellationTokenSource();
        await using (var pulled = engine.GenerateAsync(Ask.For("Hi"), leaving.Token).GetAsyncEnumerator())
        {
            Assert.True(await pulled.MoveNextAsync());
            var next = pulled.MoveNextAsync().AsTask();
            await leaving.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
        }

        await server.Left.Task.WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System);
    }

    [Fact]
    public async Task Claims_beyond_what_was_asked_are_never_counted()
    {
        server.Answer = context => LoopbackServer.StreamAsync(context, """
            data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}

            data: {"choices":[],"usage":{"prompt_tokens":2000000,"completion_tokens":2000000,"total_tokens":4000000}}

            data: [DONE]


            """);
        await using var engine = await ConnectAsync();
        var events = await engine.AllAsync(Ask.For("Hi", maxTokens: 4));
        Assert.InRange(events.End().OutputTokens, 0, 4);
        Assert.InRange(events.OfType<PromptCounted>().Single().Input, 0, int.MaxValue);
    }

    private async Task<UpstreamEngine> ConnectAsync(
        Func<UpstreamOptions, UpstreamOptions>? change = null, TimeProvider? time = null)
    {
        var options = new UpstreamOptions { BaseUrl = server.BaseUrl };
        return await UpstreamEngine.ConnectAsync(
            change?.Invoke(options) ?? options, time ?? TimeProvider.System, default);
    }
}
