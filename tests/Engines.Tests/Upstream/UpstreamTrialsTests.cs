using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Souk.Engines.Upstream;
using Souk.Protocol;

namespace Souk.Engines.Tests.Upstream;

/// <summary>What an offer says an upstream can do, against servers that can all but one thing.</summary>
public sealed class UpstreamTrialsTests
{
    private static readonly string[] All =
    [
        "continuation", "images", "json_schema", "logit_bias", "logprobs", "n", "penalties", "prompt_logprobs", "seed",
        "stop", "tools",
    ];

    [Fact]
    public async Task A_server_that_can_all_is_offered_with_all() => Assert.Equal(All, await FeaturesAsync([]));

    [Theory]
    [InlineData("continuation")]
    [InlineData("images")]
    [InlineData("json_schema")]
    [InlineData("logit_bias")]
    [InlineData("logprobs")]
    [InlineData("n")]
    [InlineData("prompt_logprobs")]
    [InlineData("seed")]
    [InlineData("stop")]
    [InlineData("tools")]
    public async Task What_a_server_silently_ignores_is_not_offered(string feature) =>
        Assert.Equal(All.Except([feature]), await FeaturesAsync([feature]));

    [Fact]
    public async Task A_server_that_refuses_every_trial_is_sold_without_features()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Models = LoopbackServer.UnknownServer;
        server.Trial = context =>
        {
            context.Response.StatusCode = 500;
            return Task.CompletedTask;
        };
        await using var engine = await ConnectAsync(server);
        Assert.Empty(engine.Model.Features);
        Assert.Equal("a", (await engine.AllAsync(Ask.For("Hi"))).Text());
    }

    [Fact]
    public async Task A_trial_that_hangs_ends_the_trials_and_leaves_its_feature_out()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Models = LoopbackServer.UnknownServer;
        var time = new FakeTimeProvider();
        server.Trial = async context =>
        {
            string body = await LoopbackServer.BodyAsync(context);
            await (body.Contains("\"response_format\"", StringComparison.Ordinal)
                ? HangAsync(context, time)
                : LoopbackServer.ObeyAsync(context, server.Capable, body));
        };
        await using var engine = await ConnectAsync(server, time);
        Assert.Equal(All.Except(["json_schema", "logit_bias", "tools"]), engine.Model.Features);
    }

    [Fact]
    public async Task A_server_that_never_comes_back_from_a_trial_is_not_sold()
    {
        await using var server = await LoopbackServer.StartAsync();
        var time = new FakeTimeProvider();
        bool isStuck = false;
        server.Trial = async context =>
        {
            string body = await LoopbackServer.BodyAsync(context);
            isStuck |= body.Contains("\"n\":2", StringComparison.Ordinal);
            await (isStuck
                ? HangAsync(context, time)
                : LoopbackServer.ObeyAsync(context, server.Capable, body));
        };
        var refused = await Assert.ThrowsAsync<EngineException>(() => ConnectAsync(server, time));
        Assert.Equal((Fault.Ours, "upstream_unusable"), (refused.Fault, refused.Code));
        Assert.Contains("--upstream-feature", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Features_that_the_operator_names_are_not_tried()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Trial = _ => throw new InvalidOperationException("A trial was made.");
        var options = new UpstreamOptions { BaseUrl = server.BaseUrl, Features = ["tools"] };
        await using var engine = await UpstreamEngine.ConnectAsync(options, TimeProvider.System, default);
        Assert.Equal(["tools"], engine.Model.Features);
    }

    private static async Task<IReadOnlyList<string>> FeaturesAsync(string[] lacking)
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Models = LoopbackServer.UnknownServer;
        server.ProbeText = LoopbackServer.ProbeWithIds;
        server.Capable = new CapableServer(lacking);
        await using var engine = await ConnectAsync(server);
        return engine.Model.Features;
    }

    // Never answers, and lets the client's patience end.
    private static Task HangAsync(HttpContext context, FakeTimeProvider time)
    {
        time.Advance(TimeSpan.FromMinutes(2));
        return Task.Delay(Timeout.Infinite, context.RequestAborted);
    }

    private static Task<UpstreamEngine> ConnectAsync(LoopbackServer server, TimeProvider? time = null) =>
        UpstreamEngine.ConnectAsync(
            new UpstreamOptions { BaseUrl = server.BaseUrl, Context = 100 }, time ?? TimeProvider.System, default);
}
