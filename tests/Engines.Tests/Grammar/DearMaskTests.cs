using System.Text.Json;
using Souk.Engines.Onnx;

namespace Souk.Engines.Tests.Grammar;

/// <summary>Masks that take long hold up the answers that need them, and nobody else.</summary>
public sealed class DearMaskTests
{
    private const int Tokens = 30;

    [Fact]
    public async Task A_request_joins_when_its_first_mask_is_there_and_others_go_on_meanwhile()
    {
        await using var engine = await LoadAsync();
        using var held = new Held(engine);
        await using var constrained = engine.GenerateAsync(Constrained(seed: 1), default).GetAsyncEnumerator();
        var begins = constrained.MoveNextAsync().AsTask();
        Assert.Equal(200, (await engine.AllAsync(Free())).Ids().Length);
        Assert.False(begins.IsCompleted);
        Assert.Equal(0, engine.Loads.Sum(load => load.Rows));
        held.Release();
        Assert.True(await begins);
    }

    [Fact]
    public async Task A_mask_in_the_middle_of_an_answer_holds_up_nobody_else_and_changes_no_token()
    {
        await using var engine = await LoadAsync();
        await engine.AllAsync(Constrained(seed: 1) with { MaxTokens = 1 });
        using var held = new Held(engine);
        int told = 0;
        var constrained = CountAsync();

        // On the same loop, token by token beside it, so thirty of them would be over long before two hundred.
        Assert.Equal(200, (await engine.AllAsync(Free())).Ids().Length);
        Assert.Equal(200, (await engine.AllAsync(Free())).Ids().Length);
        Assert.InRange(Volatile.Read(ref told), 1, Tokens - 1);
        held.Release();
        var parted = await constrained;

        await using var other = await LoadAsync();
        Assert.Equal((await other.AllAsync(Constrained(seed: 1))).Ids(), parted.Ids());
        Assert.Equal(Tokens, parted.Ids().Length);

        async Task<List<EngineEvent>> CountAsync()
        {
            List<EngineEvent> events = [];
            await foreach (var happened in engine.GenerateAsync(Constrained(seed: 1), default))
            {
                events.Add(happened);
                Volatile.Write(ref told, events.OfType<TokenOut>().Count());
            }

            return events;
        }
    }

    [Fact]
    public async Task Who_leaves_while_a_mask_is_computed_gives_its_place_back()
    {
        await using var engine = await LoadAsync();
        await engine.AllAsync(Constrained(seed: 1) with { MaxTokens = 1 });
        using var held = new Held(engine);
        await using (var leaving = engine.GenerateAsync(Constrained(seed: 1), default).GetAsyncEnumerator())
        {
            while (await leaving.MoveNextAsync() && leaving.Current is not TokenOut)
            {
            }

            await engine.AllAsync(Free());
            Assert.Equal(1, engine.Loads.Sum(load => load.Rows));
        }

        Assert.Equal(0, engine.Loads.Sum(load => load.Rows));
    }

    private static EngineRequest Free() => Ask.For(
        "Tell me about the sea.", maxTokens: 200, more: new { logit_bias = new Dictionary<string, double>
        {
            ["1019"] = -100,
        } });

    /// <summary>Any of sixty lists of words, which are all possible at the same time for a while.</summary>
    private static EngineRequest Constrained(long seed)
    {
        var lists = Enumerable.Range(0, 60).Select(i => new
        {
            type = "array",
            minItems = 1,
            items = new { type = "string", pattern = $"^[a-z ]*{(char)('a' + (i % 26))}{i}$" },
        });
        var format = JsonSerializer.SerializeToNode(new
        {
            type = "json_schema", json_schema = new { name = "x", strict = true, schema = new { anyOf = lists } },
        });
        return Ask.For("Tell me.", Tokens, temperature: 1, seed: seed, more: new { response_format = format });
    }

    private static async Task<OnnxEngine> LoadAsync()
    {
        for (var up = new DirectoryInfo(AppContext.BaseDirectory); up is not null; up = up.Parent)
        {
            string folder = Path.Combine(up.FullName, "models", "demo", "model");
            if (File.Exists(Path.Combine(folder, "model.onnx")))
            {
                return await OnnxEngine.LoadAsync(
                    new OnnxEngineOptions { Directory = folder, Threads = 1, Loops = 1 }, default);
            }
        }

        throw new FileNotFoundException("models/demo/model is missing.");
    }

    /// <summary>Keeps the thread that computes masks from computing any.</summary>
    private sealed class Held : IDisposable
    {
        private readonly ManualResetEventSlim gate = new();
        private readonly Task<bool> step;

        public Held(OnnxEngine engine) => step = engine.Masks.RunAsync(() =>
        {
            gate.Wait();
            return true;
        });

        public void Release() => gate.Set();

        public void Dispose()
        {
            gate.Set();
            step.Wait();
            gate.Dispose();
        }
    }
}
