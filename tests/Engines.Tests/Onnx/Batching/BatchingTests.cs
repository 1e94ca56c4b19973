using Microsoft.ML.OnnxRuntime;
using Souk.Engines.Files;
using Souk.Engines.Onnx;
using Souk.Engines.Onnx.Batching;
using Souk.Engines.Tests.TinyModels;

namespace Souk.Engines.Tests.Onnx.Batching;

/// <summary>Requests that share passes, against a reference that knows neither batches nor caches.</summary>
public sealed class BatchingTests
{
    public static TheoryData<string, string> Exports => new()
    {
        { "plain", "Left" }, { "fused", "Right" }, { "no positions", "Alone" }, { "no mask", "Alone" },
        { "float16", "Left" },
    };

    private static TinyShape Shape(string export) => export switch
    {
        "plain" => new TinyShape { Seed = 21 },
        "fused" => new TinyShape { IsFused = true, HasPositions = false, HeadSize = 16, Seed = 22 },
        "no positions" => new TinyShape { HasPositions = false, Seed = 23 },
        "no mask" => new TinyShape { HasMask = false, Seed = 24 },
        _ => new TinyShape { IsHalf = true, Seed = 25 },
    };

    [Theory]
    [MemberData(nameof(Exports))]
    public async Task The_layout_of_a_batch_is_found_by_trying(string export, string layout)
    {
        using var folder = ModelFolder.Create(new TinyLlama(Shape(export)));
        var directory = await ModelDirectory.ReadAsync(folder.Path, null, 1L << 30, default);
        var session = new InferenceSession(directory.OnnxPath);
        var shape = ModelShape.Read(session.InputMetadata, session.OutputMetadata, directory.Tokens.Config);
        using var decoder = new Decoder(session, shape, 256);
        Assert.Equal(layout, LayoutProbe.Find(decoder).ToString());
    }

    [Theory]
    [MemberData(nameof(Exports))]
    public async Task Neighbours_of_any_length_that_come_and_go_change_no_token(string export, string layout)
    {
        Assert.NotEmpty(layout);
        var model = new TinyLlama(Shape(export));
        using var folder = ModelFolder.Create(model);
        var options = new OnnxEngineOptions { Directory = folder.Path, Threads = 1, PrefillTokens = 16 };
        await using var engine = await OnnxEngine.LoadAsync(options, default);

        // Prompts from 5 to 125 tokens, answers from 6 to 96: rows join and leave all the time, in and out of order.
        var asked = Enumerable.Range(0, 16).Select(i => Ask.For(
            new string((char)('a' + i), 1 + (i * 37 % 16 * 8)), maxTokens: 6 + (i * 53 % 16 * 6), payer: $"{i}"));
        var answers = await Task.WhenAll(asked.Select(request => engine.AllAsync(request)));
        double tolerance = Shape(export).IsHalf ? 0.1 : 1e-3;
        foreach (var events in answers)
        {
            int[] prompt = events.OfType<PromptCounted>().Single().PromptIds!;
            int[] output = events.Ids();
            var logits = new ReferenceLlama(model).Logits([.. prompt, .. output]);
            for (int i = 0; i < output.Length; i++)
            {
                double[] expected = logits[prompt.Length - 1 + i];
                Assert.True(
                    expected[output[i]] >= expected.Max() - tolerance,
                    $"prompt of {prompt.Length}: token {i} has {expected[output[i]]}, not {expected.Max()}");
            }
        }
    }

    [Fact]
    public async Task Requests_that_are_cancelled_leave_their_neighbours_alone()
    {
        using var folder = ModelFolder.Create(new TinyLlama(new TinyShape()));
        await using var engine = await OnnxEngine.LoadAsync(
            new OnnxEngineOptions { Directory = folder.Path, Threads = 1 }, default);
        int[] alone = (await engine.AllAsync(Ask.For("Stays", maxTokens: 150, temperature: 1, seed: 2))).Ids();
        var staying = engine.AllAsync(Ask.For("Stays", maxTokens: 150, temperature: 1, seed: 2));
        for (int i = 0; i < 10; i++)
        {
            using var leaving = new CancellationTokenSource();
            var left = Ask.For($"Leaves {i}", maxTokens: 200, temperature: 1);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            {
                await foreach (var happened in engine.GenerateAsync(left, leaving.Token))
                {
                    if (happened is TokenOut)
                    {
                        await leaving.CancelAsync();
                    }
                }
            });
        }

        Assert.Equal(alone, (await staying).Ids());
    }
}
