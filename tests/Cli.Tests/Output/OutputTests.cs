using System.Text.Json;
using Souk.Cli.Output;
using Souk.Protocol;

namespace Souk.Cli.Tests.Output;

public sealed class OutputTests
{
    [Fact]
    public async Task Without_a_terminal_a_step_is_one_plain_line()
    {
        using var piped = new PipedScreen();
        var value = await piped.Screen.StepAsync("Chain", async tell =>
        {
            tell("first");
            await Task.Yield();
            tell("second [of two]");
            return 7;
        });

        Assert.Equal(7, value);
        Assert.Matches(@"^✓ Chain: second \[of two\] \([0-9.]+ s\)\r?\n$", piped.Output);
    }

    [Fact]
    public void What_others_wrote_is_shown_as_it_is()
    {
        using var piped = new PipedScreen();
        piped.Screen.Field("name", "[red]not markup[/] [[");
        piped.Screen.Error("[bold]");

        Assert.Contains("[red]not markup[/] [[", piped.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\x1b', piped.Output);
        Assert.Contains("error: [bold]", piped.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("bold", piped.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_begin_in_one_column()
    {
        using var piped = new PipedScreen();
        piped.Screen.Field("a", "x");

        Assert.Equal(Screen.ValueColumn, piped.Output.IndexOf('x', StringComparison.Ordinal));
    }

    [Fact]
    public void Json_is_one_object_with_rows_and_nothing_else()
    {
        using var piped = new PipedScreen();
        var code = new Report(piped.Screen, isJson: true).Show(
            ("text", "<&>"), ("number", 5), ("none", null),
            ("rows", new List<Dictionary<string, object?>> { new() { ["a"] = 1 }, new() { ["a"] = 2 } }));

        Assert.Equal(ExitCodes.Ok, code);
        using var json = JsonDocument.Parse(piped.Output);
        Assert.Equal("<&>", json.RootElement.GetProperty("text").GetString());
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("none").ValueKind);
        Assert.Equal(
            [1, 2], json.RootElement.GetProperty("rows").EnumerateArray().Select(
                row => row.GetProperty("a").GetInt32()));
    }

    [Fact]
    public void A_refusal_is_json_on_the_output_and_a_sentence_among_the_errors()
    {
        using var piped = new PipedScreen();
        var code = new Report(piped.Screen, isJson: true).Refuse(new Refusal(Fault.Ours, "code", "A sentence."));

        Assert.Equal(ExitCodes.Failed, code);
        using var json = JsonDocument.Parse(piped.Output);
        Assert.Equal("code", json.RootElement.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal("error: A sentence.", piped.Errors.Trim());
    }
}
