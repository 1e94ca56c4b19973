using System.Text;
using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.Protocol;

namespace Souk.Engines.Tests;

/// <summary>Requests and what came of them, for tests.</summary>
internal static class Ask
{
    public static EngineRequest For(
        string prompt, int maxTokens = 16, double temperature = 0, long seed = 1, int choices = 1,
        IReadOnlyList<string>? stop = null, object? more = null, string payer = "payer")
    {
        var fields = new Dictionary<string, object>
        {
            ["model"] = "m",
            ["messages"] = new[] { new { role = "user", content = prompt } },
        };
        foreach (var property in more?.GetType().GetProperties() ?? [])
        {
            fields[property.Name] = property.GetValue(more)!;
        }

        byte[] body = JsonSerializer.SerializeToUtf8Bytes(fields);
        var chat = ChatRequest.Parse(body);
        Assert.True(chat.IsOk, chat.Error?.Message);
        var sampling = SamplingParameters.Default with { Temperature = temperature, Seed = seed };
        return new EngineRequest(
            chat.Value, body, SamplingKey.FromSeed(seed), sampling, maxTokens, stop ?? [], choices, payer);
    }

    public static async Task<List<EngineEvent>> AllAsync(
        this IEngine engine, EngineRequest request, CancellationToken cancellationToken = default)
    {
        List<EngineEvent> events = [];
        await foreach (var happened in engine.GenerateAsync(request, cancellationToken))
        {
            events.Add(happened);
        }

        return events;
    }

    public static async Task<EngineException> RefusedAsync(this IEngine engine, EngineRequest request) =>
        await Assert.ThrowsAsync<EngineException>(() => engine.AllAsync(request));

    public static int[] Ids(this IEnumerable<EngineEvent> events, int choice = 0) =>
        [.. events.OfType<TokenOut>().Where(token => token.Choice == choice).SelectMany(token => token.Ids)];

    public static string Text(this IEnumerable<EngineEvent> events, int choice = 0)
    {
        var text = new StringBuilder();
        foreach (var token in events.OfType<TokenOut>().Where(token => token.Choice == choice))
        {
            text.Append(token.Text);
        }

        return text.ToString();
    }

    public static Finished End(this IEnumerable<EngineEvent> events, int choice = 0) =>
        events.OfType<Finished>().Single(end => end.Choice == choice);
}
