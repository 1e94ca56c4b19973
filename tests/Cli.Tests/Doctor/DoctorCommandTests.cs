using System.Text.Json;
using Souk.Cli.Output;
using Souk.Cli.Tests.DevChain;

namespace Souk.Cli.Tests.Doctor;

/// <summary><c>doctor</c> as a whole, up to its exit code.</summary>
public sealed class DoctorCommandTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Problems_are_told_with_advice_and_by_the_exit_code()
    {
        using var piped = new PipedScreen();

        var code = await piped.RunAsync("doctor", "--no-engine", "--json", "--data", _folder.Path);

        Assert.Equal(ExitCodes.Failed, code);
        using var json = JsonDocument.Parse(piped.Output);
        Assert.False(json.RootElement.GetProperty("ok").GetBoolean());
        var network = Check(json, "network");
        Assert.False(network.GetProperty("ok").GetBoolean());
        Assert.Contains("--network", network.GetProperty("found").GetString(), StringComparison.Ordinal);
        Assert.False(string.IsNullOrWhiteSpace(network.GetProperty("advice").GetString()));
        Assert.Equal(
            ["data folder", "node", "anvil"],
            json.RootElement.GetProperty("checks").EnumerateArray().Take(3).Select(
                check => check.GetProperty("check").GetString()));
    }

    [Fact]
    public async Task For_people_each_check_is_a_line_and_advice_follows()
    {
        using var piped = new PipedScreen();

        await piped.RunAsync("doctor", "--no-engine", "--data", _folder.Path);

        Assert.Contains("data folder", piped.Output, StringComparison.Ordinal);
        Assert.Contains("Without a network nothing can be bought or sold.", piped.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_engine_that_loads_and_answers_is_fine()
    {
        var engine = await EngineAsync();
        Assert.True(engine.GetProperty("ok").GetBoolean());
        Assert.Contains("answered with", engine.GetProperty("found").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_is_missing_or_incomplete_and_a_server_that_is_down_are_problems()
    {
        Directory.CreateDirectory(_folder.In("empty"));
        var nobody = FormattableString.Invariant($"http://127.0.0.1:{PlainAnvil.FreePort()}/v1");
        foreach (var chosen in (string[][])[
            ["--model", _folder.In("none")], ["--model", _folder.In("empty")],
            ["--upstream", nobody, "--upstream-model", "m"]])
        {
            var engine = await EngineAsync(chosen);
            Assert.False(engine.GetProperty("ok").GetBoolean(), chosen[1]);
            Assert.False(string.IsNullOrWhiteSpace(engine.GetProperty("found").GetString()));
            Assert.Contains("--upstream URL", engine.GetProperty("advice").GetString(), StringComparison.Ordinal);
        }
    }

    private async Task<JsonElement> EngineAsync(params string[] chosen)
    {
        using var piped = new PipedScreen();
        await piped.RunAsync(["doctor", "--json", "--data", _folder.Path, .. chosen]);
        using var json = JsonDocument.Parse(piped.Output);
        return Check(json, "engine").Clone();
    }

    private static JsonElement Check(JsonDocument json, string name) => Assert.Single(
        json.RootElement.GetProperty("checks").EnumerateArray(),
        check => check.GetProperty("check").GetString() == name);
}
