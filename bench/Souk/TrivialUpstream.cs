using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Souk.Engines;

namespace Souk.Bench;

/// <summary>
/// An OpenAI-compatible server that says the same word again and again, so that what is measured is the market and not
/// a model. It streams token ids as vLLM does, by the demo model's tokenizer, so prompts are counted and answers
/// checked as always.
/// </summary>
internal static class TrivialUpstream
{
    /// <summary>Printed once it listens.</summary>
    public const string Ready = "The upstream listens.";

    private const int Context = 4096;

    /// <summary>Serves until the process is ended.</summary>
    /// <param name="port">On loopback.</param>
    /// <param name="pause">Between tokens; zero is as fast as they are taken.</param>
    public static async Task RunAsync(int port, TimeSpan pause)
    {
        var encoder = PromptFiles.Build(PromptFiles.Names
            .Where(name => File.Exists(Path.Combine(Places.Model, name)))
            .ToDictionary(
                name => name, name => (ReadOnlyMemory<byte>)File.ReadAllBytes(Path.Combine(Places.Model, name)),
                StringComparer.Ordinal)).Value;
        var word = encoder.Tokenizer.Encode(" the", parseSpecial: false)[0];
        var text = encoder.Tokenizer.Decode([word], skipSpecial: true);
        var token = Event(new { index = 0, delta = new { content = text }, token_ids = new[] { word } });
        var end = Event(new { index = 0, delta = new { }, finish_reason = "length" });

        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(port));
        await using var app = builder.Build();
        app.MapGet("/v1/models", () => Results.Json(new
        {
            data = new[] { new { id = "trivial", @object = "model", owned_by = "vllm", max_model_len = Context } },
        }));
        app.MapPost("/v1/chat/completions", async context =>
        {
            using var body = await JsonDocument.ParseAsync(context.Request.Body);
            var tokens = body.RootElement.GetProperty("max_tokens").GetInt32();
            context.Response.ContentType = "text/event-stream";
            for (var i = 0; i < tokens; i++)
            {
                if (pause > TimeSpan.Zero)
                {
                    await Task.Delay(pause);
                }

                await SendAsync(context, token);
            }

            await SendAsync(context, [.. end, .. Usage(tokens), .. "data: [DONE]\n\n"u8]);
        });
        await app.StartAsync();
        Console.WriteLine(Ready);
        await Task.Delay(Timeout.InfiniteTimeSpan);
    }

    private static async Task SendAsync(HttpContext context, byte[] bytes)
    {
        await context.Response.Body.WriteAsync(bytes);
        await context.Response.Body.FlushAsync();
    }

    private static byte[] Event(object choice) => Bytes(new { id = "1", @object = "chat.completion.chunk",
        choices = new[] { choice } });

    private static byte[] Usage(int tokens) => Bytes(new
    {
        id = "1", choices = Array.Empty<object>(),
        usage = new { prompt_tokens = 1, completion_tokens = tokens, total_tokens = tokens + 1 },
    });

    private static byte[] Bytes(object chunk) => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture, $"data: {JsonSerializer.Serialize(chunk)}\n\n"));
}
