using System.Numerics.Tensors;
using System.Text.Json;
using Souk.Engines.Onnx;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Embeddings;

namespace Souk.Engines.Tests.Embedding;

/// <summary>The embedding model that the repository ships, against torch in float64 and on its own task.</summary>
public sealed class DemoEmbeddingTests
{
    private static readonly string Folder = Find();

    [Fact]
    public async Task Ids_and_vectors_are_those_that_torch_computed()
    {
        await using var engine = await LoadAsync();
        using var expected = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(Folder, "expected.json")));
        var rows = expected.RootElement.EnumerateArray().ToArray();
        var inputs = Inputs(rows.Select(row => row.GetProperty("text").GetString()!));
        int[][] ids = engine.EncodeInputs(inputs)!;
        var made = await engine.EmbedAsync(new EmbeddingRequest(inputs, ids, ""), default);

        Assert.True(rows.Length >= 5);
        for (int i = 0; i < rows.Length; i++)
        {
            Assert.Equal(rows[i].GetProperty("ids").Deserialize<int[]>(), ids[i]);
            double[] vector = rows[i].GetProperty("vector").Deserialize<double[]>()!;
            Assert.All(vector.Zip(made.Vectors[i]), pair => Assert.Equal(pair.First, pair.Second, 2e-5));
        }
    }

    [Fact]
    public async Task Wordings_of_held_out_questions_find_their_partners()
    {
        await using var engine = await LoadAsync();
        var rows = File.ReadLines(Path.Combine(Folder, "evaluation.jsonl"))
            .Select(line => JsonSerializer.Deserialize<Dictionary<string, string>>(line)!).ToArray();
        var queries = await EmbedAsync(engine, rows.Select(row => row["query"]));
        var documents = await EmbedAsync(engine, rows.Select(row => row["document"]));
        int found = Enumerable.Range(0, rows.Length).Count(query => Enumerable.Range(0, rows.Length)
            .MaxBy(document => TensorPrimitives.Dot(queries[query], documents[document])) == query);

        // 639 of 641 were measured; BM25 finds 482.
        Assert.Equal(641, rows.Length);
        Assert.InRange(found, 635, 641);
        Assert.All(queries, vector => Assert.Equal(1, TensorPrimitives.Norm(vector), 1e-4));
    }

    private static async Task<IReadOnlyList<float[]>> EmbedAsync(IEngine engine, IEnumerable<string> texts) =>
        (await engine.EmbedAsync(new EmbeddingRequest(Inputs(texts), null, ""), default)).Vectors;

    private static EmbeddingInputs Inputs(IEnumerable<string> texts) =>
        new([.. texts.Select(text => new RawPrompt(text))], null);

    private static Task<IEngine> LoadAsync() =>
        LocalEngine.LoadAsync(new OnnxEngineOptions { Directory = Path.Combine(Folder, "model") }, default);

    private static string Find()
    {
        for (string? at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
        {
            string folder = Path.Combine(at, "models", "embedding");
            if (Directory.Exists(folder))
            {
                return folder;
            }
        }

        throw new InvalidOperationException("models/embedding is not in the source tree.");
    }
}
