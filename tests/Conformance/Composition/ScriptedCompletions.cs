using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Souk.Conformance.Composition;

/// <summary>How the <see cref="ScriptedServer"/> continues a text: with the same sentence, whatever the text.</summary>
internal static class ScriptedCompletions
{
    private static readonly string[] Sentence = [" This", " is", " a", " test", "."];

    public static async Task AnswerAsync(HttpContext context)
    {
        var request = (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();
        context.Response.ContentType = "text/event-stream";
        string[] stops = request["stop"] switch
        {
            JsonArray several => [.. several.Select(stop => (string)stop!)],
            JsonValue one => [(string)one!],
            _ => [],
        };
        var said = Sentence
            .TakeWhile(piece => !stops.Any(stop => piece.Contains(stop, StringComparison.Ordinal))).ToList();
        var limited = said.Take((int?)request["max_tokens"] ?? 16).ToList();
        var choices = (int?)request["n"] ?? 1;
        for (var choice = 0; choice < choices; choice++)
        {
            foreach (var piece in limited)
            {
                await SendAsync(context, Part(choice, piece, null, (int?)request["logprobs"]));
            }

            await SendAsync(context, Part(choice, "", limited.Count < said.Count ? "length" : "stop", null));
        }

        var written = choices * limited.Count;
        await SendAsync(context, [], new JsonObject
        {
            ["prompt_tokens"] = 5, ["completion_tokens"] = written, ["total_tokens"] = 5 + written,
        });
        await context.Response.WriteAsync("data: [DONE]\n\n");
    }

    private static JsonArray Part(int choice, string text, string? reason, int? logprobs)
    {
        var part = new JsonObject { ["index"] = choice, ["text"] = text, ["finish_reason"] = reason };
        if (logprobs is not null)
        {
            part["logprobs"] = new JsonObject
            {
                ["tokens"] = new JsonArray(text), ["token_logprobs"] = new JsonArray(-0.5),
                ["text_offset"] = new JsonArray(0), ["top_logprobs"] = new JsonArray(new JsonObject { [text] = -0.5 }),
            };
        }

        return [part];
    }

    private static Task SendAsync(HttpContext context, JsonArray choices, JsonObject? usage = null)
    {
        var chunk = new JsonObject
        {
            ["id"] = "x", ["object"] = "text_completion", ["created"] = 1, ["model"] = ScriptedServer.Model,
            ["choices"] = choices,
        };
        if (usage is not null)
        {
            chunk["usage"] = usage;
        }

        return context.Response.WriteAsync($"data: {chunk.ToJsonString()}\n\n");
    }
}
