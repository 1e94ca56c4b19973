using System.CommandLine;
using System.Text.Json;
using Souk.Cli.Output;

namespace Souk.Cli.Tests.Commands;

public sealed class CommandTreeTests
{
    [Fact]
    public void Every_documented_command_is_there_and_says_what_it_does()
    {
        using var piped = new PipedScreen();
        var commands = CommandTree.Root(piped.Screen).Subcommands;

        Assert.Equal(
            ["up", "down", "status", "chat", "provider", "gateway", "indexer", "watch", "model", "deploy", "wallet",
                "keys", "usage", "ledger", "doctor"],
            commands.Select(command => command.Name));
    }

    [Fact]
    public async Task Every_command_explains_itself_and_each_of_its_options()
    {
        using var piped = new PipedScreen();
        foreach (var (path, command) in All(CommandTree.Root(piped.Screen)))
        {
            Assert.EndsWith(".", command.Description, StringComparison.Ordinal);
            Assert.All(
                command.Options.Select(option => (option.Name, option.Description)).Concat(
                    command.Arguments.Select(argument => (argument.Name, argument.Description))),
                told => Assert.False(string.IsNullOrWhiteSpace(told.Description), $"{path} {told.Name}"));
            Assert.Equal(
                ExitCodes.Ok, await piped.RunAsync([.. path.Split(' ', StringSplitOptions.RemoveEmptyEntries), "-h"]));
        }
    }

    [Fact]
    public void Every_command_that_ends_by_itself_can_answer_in_json()
    {
        using var piped = new PipedScreen();
        // These run until they are stopped, or talk.
        string[] others = ["up", "provider", "gateway", "indexer", "watch", "chat"];

        var without = All(CommandTree.Root(piped.Screen))
            .Where(found => found.Command.Action is not null
                && found.Command.Options.All(option => option.Name != "--json"))
            .Select(found => found.Path);

        Assert.Equal(others.Order(StringComparer.Ordinal), without.Order(StringComparer.Ordinal));
    }

    private static IEnumerable<(string Path, Command Command)> All(Command from, string path = "") =>
        from.Subcommands.SelectMany(command => All(command, $"{path} {command.Name}".Trim())).Append((path, from));

    [Theory]
    [InlineData("up", "--port-base", "many")]
    [InlineData("deploy")]
    [InlineData("wallet", "deposit")]
    [InlineData("provider", "register")]
    [InlineData("dance")]
    public async Task Wrong_usage_is_told_by_its_exit_code(params string[] args)
    {
        using var piped = new PipedScreen();

        Assert.Equal(ExitCodes.Usage, await piped.RunAsync(args));
    }

    [Theory]
    [InlineData("status")]
    [InlineData("down")]
    [InlineData("chat", "hello")]
    [InlineData("keys", "list")]
    [InlineData("keys", "set", "app", "--budget", "2")]
    [InlineData("usage", "--by", "key")]
    [InlineData("provider", "claim")]
    public async Task Where_nothing_runs_the_exit_code_says_so(params string[] args)
    {
        using var folder = new TestFolder();
        using var piped = new PipedScreen();

        Assert.Equal(ExitCodes.NotRunning, await piped.RunAsync([.. args, "--data", folder.Path]));
    }

    [Fact]
    public async Task Status_as_json_is_one_object_also_where_nothing_runs()
    {
        using var folder = new TestFolder();
        using var piped = new PipedScreen();
        await piped.RunAsync("status", "--json", "--data", folder.Path);

        using var json = JsonDocument.Parse(piped.Output);
        Assert.False(json.RootElement.GetProperty("running").GetBoolean());
        Assert.Empty(json.RootElement.GetProperty("processes").EnumerateArray());
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("provider")]
    [InlineData("indexer")]
    [InlineData("watch")]
    [InlineData("wallet", "balance")]
    public async Task Without_a_network_a_command_says_how_to_name_one(params string[] args)
    {
        using var folder = new TestFolder();
        using var piped = new PipedScreen();

        Assert.Equal(ExitCodes.Failed, await piped.RunAsync([.. args, "--data", folder.Path]));
        Assert.Contains("--network", piped.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_names_every_port_that_is_taken()
    {
        using var folder = new TestFolder();
        using var piped = new PipedScreen();
        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        var port = ((System.Net.IPEndPoint)taken.LocalEndpoint).Port;
        var start = Math.Min(port, ushort.MaxValue - 4);

        var code = await piped.RunAsync(
            "up", "--data", folder.Path, "--port-base",
                start.ToString(System.Globalization.CultureInfo.InvariantCulture));

        Assert.Equal(ExitCodes.Failed, code);
        Assert.Contains($"Port {port} ", piped.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.In("running.json")));
    }
}
