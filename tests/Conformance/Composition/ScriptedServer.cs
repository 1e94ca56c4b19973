using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Souk.Engines;
using Souk.Engines.Upstream;

namespace Souk.Conformance.Composition;

/// <summary>
/// An OpenAI-compatible server that a provider sells, whose model does at once what a good one would: calls a tool
/// where it has one and was told nothing by it yet, keeps to a JSON schema, and else says a sentence. What is tried
/// with it is the way of a request and its answer through the market, not a model's wit.
/// </summary>
internal static class ScriptedServer
{
    /// <summary>The model's name at the upstream.</summary>
    public const string Model = "scripted";

    /// <summary>Written in a question, makes it think before it answers.</summary>
    public const string Thinks = "(think)";

    /// <summary>Written in a question, makes it call its first tool twice at once, the pieces of both mixed.</summary>
    public const string CallsTwice = "(twice)";

    /// <summary>Written in a question, makes it say how many images it was shown.</summary>
    public const string CountsImages = "(images)";

    /// <summary>Written in a question, makes it fail half-way.</summary>
    public const string Fails = "(fails)";

    private static readonly string[] Sentence = ["The", " answer", " is", " 42", "."];

    /// <summary>Sells the server's model as an operator would, who knows what it can do.</summary>
    public static Task<UpstreamEngine> ConnectAsync(Uri server, string name) => UpstreamEngine.ConnectAsync(
        new UpstreamOptions
        {
            BaseUrl = new Uri(server, "/v1"), Model = Model, Name = name, Context = 8_192, MaxOutput = 512,
            Features =
            [
                EngineFeatures.Images, EngineFeatures.JsonSchema, EngineFeatures.LogitBias, EngineFeatures.Logprobs,
                EngineFeatures.ManyChoices, EngineFeatures.Penalties, EngineFeatures.Seed, EngineFeatures.Stop,
                EngineFeatures.Tools, EngineFeatures.TopK,
            ],
        },
        TimeProvider.System, default);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/models", () => Results.Json(new
        {
            @object = "list",
            data = new[] { new { id = Model, @object = "model", created = 1, owned_by = "test" } },
        }));
        routes.MapPost("/v1/chat/completions", AnswerAsync);
        routes.MapPost("/v1/completions", ScriptedCompletions.AnswerAsync);
    }

    private static async Task AnswerAsync(HttpContext context)
    {
        var request = (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();
        context.Response.ContentType = "text/event-stream";
        var most = (int?)request["max_completion_tokens"] ?? (int?)request["max_tokens"] ?? 512;
        var written = 0;
        for (var choice = 0; choice < ((int?)request["n"] ?? 1); choice++)
        {
            var (pieces, reason) = Say(request);
            var limited = pieces.Take(most).ToList();
            written += limited.Count;
            foreach (var piece in limited)
            {
                if (written > 2 && Asks(request, Fails) && piece == limited[^1])
                {
                    // What was sent must have arrived: a reset throws away what is under way.
                    await Task.Delay(200);
                    context.Abort();
                    return;
                }

                await SendAsync(context, Chunk(choice, piece, null, request));
            }

            await SendAsync(context, Chunk(choice, new JsonObject(), limited.Count < pieces.Count ? "length" : reason,
                request));
        }

        await SendAsync(context, new JsonObject
        {
            ["id"] = "x", ["object"] = "chat.completion.chunk", ["created"] = 1, ["model"] = Model,
            ["choices"] = new JsonArray(),
            ["usage"] = new JsonObject
            {
                ["prompt_tokens"] = 20, ["completion_tokens"] = written, ["total_tokens"] = 20 + written,
            },
        });
        await context.Response.WriteAsync("data: [DONE]\n\n");
    }

    // Each piece is one token; a tool call's pieces are its name and then its arguments.
    private static (List<JsonObject> Pieces, string Reason) Say(JsonObject request)
    {
        var last = request["messages"]!.AsArray()[^1]!;
        var choice = request["tool_choice"];
        if (request["tools"] is JsonArray { Count: > 0 } tools && (string?)last["role"] != "tool"
            && !(choice is JsonValue word && (string?)word == "none"))
        {
            var named = choice is JsonObject ? (string?)choice["function"]?["name"] : null;
            var tool = tools.FirstOrDefault(one => (string?)one!["function"]!["name"] == named) ?? tools[0];
            var calls = Call(tool!["function"]!, 0);
            return (Asks(request, CallsTwice)
                ? [.. calls.Zip(Call(tool["function"]!, 1)).SelectMany(both => new[] { both.First, both.Second })]
                : calls, "tool_calls");
        }

        var format = (string?)request["response_format"]?["type"];
        var text = format switch
        {
            "json_schema" => Pieces(Instance(request["response_format"]!["json_schema"]!["schema"]).ToJsonString()),
            "json_object" => Pieces("{\"answer\":42}"),
            _ when (string?)last["role"] == "tool" => ["The", " tool", " says", ": ", ToolResults(request)],
            _ when Asks(request, CountsImages) => ["Images", ": ", $"{Images(request)}"],
            _ => Sentence,
        };
        foreach (var stop in request["stop"]?.AsArray() ?? [])
        {
            var at = Array.FindIndex(text, piece => piece.Contains((string)stop!, StringComparison.Ordinal));
            text = at < 0 ? text : text[..at];
        }

        string[] thoughts = Asks(request, Thinks) ? ["Let", " me", " see"] : [];
        return ([.. thoughts.Select(piece => new JsonObject { ["reasoning_content"] = piece }),
            .. text.Select(piece => new JsonObject { ["content"] = piece })], "stop");
    }

    private static bool Asks(JsonObject request, string what) => request["messages"]!.AsArray()
        .Last(message => (string?)message!["role"] == "user")!.ToJsonString().Contains(what, StringComparison.Ordinal);

    private static string ToolResults(JsonObject request) => string.Join(", ", request["messages"]!.AsArray().Reverse()
        .TakeWhile(message => (string?)message!["role"] == "tool").Reverse()
        .Select(message => (string?)message!["content"]));

    private static int Images(JsonObject request) => request["messages"]!.AsArray()
        .SelectMany(message => message!["content"] as JsonArray ?? []).Count(part => part!["image_url"] is not null);

    private static List<JsonObject> Call(JsonNode function, int index)
    {
        var arguments = Instance(function["parameters"]).ToJsonString();
        return
        [
            Part(new JsonObject
            {
                ["index"] = index, ["id"] = $"call_{index + 1}", ["type"] = "function",
                ["function"] = new JsonObject { ["name"] = (string?)function["name"], ["arguments"] = "" },
            }),
            .. Pieces(arguments).Select(piece => Part(new JsonObject
            {
                ["index"] = index, ["function"] = new JsonObject { ["arguments"] = piece },
            })),
        ];

        static JsonObject Part(JsonObject call) => new() { ["tool_calls"] = new JsonArray(call) };
    }

    // The least that a schema of the usual kind allows.
    private static JsonNode Instance(JsonNode? schema)
    {
        var type = schema?["type"] is JsonArray types ? (string?)types[0] : (string?)schema?["type"];
        if (schema?["enum"] is JsonArray { Count: > 0 } values)
        {
            return values[0]!.DeepClone();
        }

        switch (type)
        {
            case "string":
                return JsonValue.Create("Berlin");
            case "integer" or "number":
                return JsonValue.Create(42);
            case "boolean":
                return JsonValue.Create(true);
            case "array":
                return new JsonArray(Instance(schema!["items"]));
            default:
                var made = new JsonObject();
                foreach (var (name, inner) in schema?["properties"]?.AsObject() ?? [])
                {
                    made[name] = Instance(inner);
                }

                return made;
        }
    }

    private static string[] Pieces(string text) => [.. text.Chunk(4).Select(piece => new string(piece))];

    private static JsonObject Chunk(int choice, JsonObject delta, string? reason, JsonObject request)
    {
        var part = new JsonObject { ["index"] = choice, ["delta"] = delta.DeepClone(), ["finish_reason"] = reason };
        if ((bool?)request["logprobs"] == true && (string?)delta["content"] is { } token)
        {
            part["logprobs"] = new JsonObject
            {
                ["content"] = new JsonArray(Logprob(token, (int?)request["top_logprobs"] ?? 0)), ["refusal"] = null,
            };
        }

        return new JsonObject
        {
            ["id"] = "x", ["object"] = "chat.completion.chunk", ["created"] = 1, ["model"] = Model,
            ["choices"] = new JsonArray(part),
        };
    }

    private static JsonObject Logprob(string token, int top)
    {
        var bytes = new JsonArray([.. Encoding.UTF8.GetBytes(token).Select(one => (JsonNode)(int)one)]);
        var made = new JsonObject { ["token"] = token, ["logprob"] = -0.5, ["bytes"] = bytes };
        made["top_logprobs"] = new JsonArray([.. Enumerable.Range(0, top).Select(i => (JsonNode)new JsonObject
        {
            ["token"] = token, ["logprob"] = -0.5 - i, ["bytes"] = bytes.DeepClone(),
        })]);
        return made;
    }

    private static Task SendAsync(HttpContext context, JsonObject chunk) =>
        context.Response.WriteAsync($"data: {chunk.ToJsonString()}\n\n");
}
