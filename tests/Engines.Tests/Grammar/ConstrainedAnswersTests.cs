using System.Text.Json.Nodes;
using Souk.Engines.Onnx;
using Souk.Protocol;

namespace Souk.Engines.Tests.Grammar;

/// <summary>The demo model, which never saw a schema, held to them.</summary>
public sealed class ConstrainedAnswersTests
{
    private const string Person =
        """
        {"type":"object","properties":{"name":{"type":"string","maxLength":20},"age":{"type":"integer","minimum":0,
        "maximum":150},"pets":{"type":"array","items":{"enum":["cat","dog"]},"maxItems":3}},
        "required":["name","age","pets"],"additionalProperties":false}
        """;

    [Fact]
    public async Task Every_choice_satisfies_the_schema_and_is_the_same_again()
    {
        await using var engine = await LoadAsync();
        Assert.Contains(EngineFeatures.JsonSchema, engine.Model.Features);
        var request = Ask.For("Who is it?", maxTokens: 300, temperature: 1, seed: 4, choices: 4, more: Format(Person));
        var events = await engine.AllAsync(request);
        for (int choice = 0; choice < 4; choice++)
        {
            Assert.Equal("stop", events.End(choice).Reason);
            var person = JsonNode.Parse(events.Text(choice))!.AsObject();
            Assert.Equal(["name", "age", "pets"], person.Select(pair => pair.Key));
            Assert.InRange((int)person["age"]!, 0, 150);
            Assert.All(person["pets"]!.AsArray(), pet => Assert.True((string?)pet is "cat" or "dog"));
        }

        Assert.Equal(events.Ids(3), (await engine.AllAsync(request)).Ids(3));
    }

    [Fact]
    public async Task A_limit_cuts_with_length_and_an_end_waits_for_the_least_number_of_tokens()
    {
        await using var engine = await LoadAsync();
        var cut = await engine.AllAsync(Ask.For("x", maxTokens: 6, temperature: 1, more: Format(Person)));
        Assert.Equal(("length", 6), (cut.End().Reason, cut.End().OutputTokens));
        Assert.StartsWith("{", cut.Text(), StringComparison.Ordinal);

        // Nothing but an end can follow the object, so it ends in spite of min_tokens.
        var format = JsonNode.Parse("""{"type":"json_schema","json_schema":{"name":"e","schema":{"const":{}}}}""");
        var ended = await engine.AllAsync(Ask.For(
            "x", maxTokens: 30, temperature: 1, more: new { response_format = format, min_tokens = 20 }));
        Assert.Equal(("{}", "stop"), (ended.Text(), ended.End().Reason));
        Assert.InRange(ended.End().OutputTokens, 2, 3);
    }

    [Fact]
    public async Task A_json_object_is_an_object_and_logprobs_are_those_of_the_model()
    {
        await using var engine = await LoadAsync();
        var format = JsonNode.Parse("""{"type":"json_object"}""");
        var bias = new Dictionary<string, double> { ["93"] = 3 };
        var events = await engine.AllAsync(Ask.For(
            "x", maxTokens: 80, temperature: 1,
            more: new { response_format = format, logprobs = true, logit_bias = bias }));
        Assert.StartsWith("{", events.Text(), StringComparison.Ordinal);
        Assert.Contains(events.OfType<TokenOut>(), token => !token.Logprobs.IsEmpty);
    }

    [Fact]
    public async Task What_is_not_supported_is_refused_before_any_work()
    {
        await using var engine = await LoadAsync();
        var refused = await engine.RefusedAsync(Ask.For("x", more: Format("""{"oneOf":[{"type":"null"}]}""")));
        Assert.Equal((Fault.Theirs, "schema_unsupported"), (refused.Fault, refused.Code));
        Assert.Equal("Invalid 'response_format': #: 'oneOf' is not supported.", refused.Message);
    }

    private static object Format(string schema) => new
    {
        response_format = JsonNode.Parse(
            """{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":""" + schema + "}}"),
    };

    private static async Task<OnnxEngine> LoadAsync()
    {
        for (var up = new DirectoryInfo(AppContext.BaseDirectory); up is not null; up = up.Parent)
        {
            string folder = Path.Combine(up.FullName, "models", "demo", "model");
            if (File.Exists(Path.Combine(folder, "model.onnx")))
            {
                return await OnnxEngine.LoadAsync(new OnnxEngineOptions { Directory = folder, Threads = 1 }, default);
            }
        }

        throw new FileNotFoundException("models/demo/model is missing.");
    }
}
