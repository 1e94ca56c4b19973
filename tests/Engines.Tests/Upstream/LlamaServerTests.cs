using System.Text;
using Souk.Engines.Tests.TinyModels;
using Souk.Engines.Upstream;

namespace Souk.Engines.Tests.Upstream;

/// <summary>The upstream engine against a server that nobody here wrote: npm's inference-server on
/// llama.cpp.</summary>
[Trait("system", "npm inference-server")]
public sealed class LlamaServerTests : IAsyncLifetime
{
    private readonly TinyLlama model = new(new TinyShape { IsPlain = true, Seed = 21 });
    private LlamaServer? server;
    private UpstreamEngine? engine;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(
            LlamaServer.Script is not null || Environment.GetEnvironmentVariable("CI") == "true",
            "Needs the npm packages of tests/Engines.Tests/LlamaServer (npm ci --omit=optional).");
        server = await LlamaServer.StartAsync(model);

        // Asked for a tool call, this server never comes back, so it is not tried.
        var options = new UpstreamOptions { BaseUrl = server.BaseUrl, Context = 256, Features = ["stop"] };
        engine = await UpstreamEngine.ConnectAsync(options, TimeProvider.System, default);
    }

    public async ValueTask DisposeAsync()
    {
        await (engine?.DisposeAsync() ?? ValueTask.CompletedTask);
        await (server?.DisposeAsync() ?? ValueTask.CompletedTask);
    }

    [Fact]
    public async Task A_foreign_server_is_probed_streamed_and_billed()
    {
        Assert.Equal(("tiny", "usage", null), (engine!.Model.Name, engine.Model.Counting, engine.Model.SamplerName));
        var events = await engine.AllAsync(Ask.For("Hi", maxTokens: 20, more: new { temperature = 0 }));
        Assert.Equal(new Finished(0, "length", 20), events.End());

        // Each letter is a token, and each token is the one that the float64 pass puts first.
        byte[] output = Encoding.ASCII.GetBytes(events.Text());
        Assert.Equal(20, output.Length);
        int[] prompt = [ModelFolder.Begin, ModelFolder.User, 'H', 'i', ModelFolder.Assistant];

        // This server leaves the beginning-of-sequence token out of its count; the bill follows what it says.
        Assert.Equal(prompt.Length - 1, events.OfType<PromptCounted>().Single().Input);
        var logits = new ReferenceLlama(model).Logits([.. prompt, .. output.Select(letter => (int)letter)]);
        for (int i = 0; i < output.Length; i++)
        {
            double[] expected = logits[prompt.Length - 1 + i];
            Assert.True(expected[output[i]] >= expected.Max() - 0.1, $"token {i} of \"{events.Text()}\"");
        }
    }

    [Fact]
    public async Task Leaving_a_foreign_server_s_answer_frees_it_for_the_next()
    {
        using var leaving = new CancellationTokenSource();
        var first = Ask.For("Go on", maxTokens: 200, more: new { temperature = 0 });
        await using (var pulled = engine!.GenerateAsync(first, leaving.Token).GetAsyncEnumerator())
        {
            Assert.True(await pulled.MoveNextAsync());
            await leaving.CancelAsync();
        }

        // The server has one instance of the model, so this waits for ever unless the first answer was given up.
        var events = await engine.AllAsync(Ask.For("Hi", maxTokens: 3, more: new { temperature = 0 }))
            .WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System);
        Assert.Equal(3, events.End().OutputTokens);
    }
}
