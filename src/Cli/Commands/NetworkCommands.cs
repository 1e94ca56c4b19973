using System.CommandLine;
using System.Text.Json;
using Souk.Cli.Hosting;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Cli.Up;

namespace Souk.Cli.Commands;

/// <summary><c>up</c>, <c>down</c>, <c>status</c>, <c>chat</c>: a network on this machine, and using it.</summary>
internal static class NetworkCommands
{
    public static Command Up(Screen screen)
    {
        var (model, upstream, upstreamModel, name, quiet) = (EngineOptions.Model(), EngineOptions.Upstream(),
            EngineOptions.UpstreamModel(), EngineOptions.Name(),
            new Option<bool>("--no-demo") { Description = "Do not ask the first question." });
        var command = new Command("up", "Start a whole network on this machine, show a first paid answer, and keep running.")
        {
            SharedOptions.PortBase, model, upstream, upstreamModel, name, quiet,
        };
        command.SetAction((parsed, cancellation) => UpCommand.RunAsync(
            new UpRequest(
                parsed.GetValue(SharedOptions.Data)!,
                SharedOptions.Ports(parsed),
                new EngineChoice(
                    parsed.GetValue(model), parsed.GetValue(upstream), parsed.GetValue(upstreamModel), parsed.GetValue(name)),
                parsed.GetValue(quiet)),
            screen,
            cancellation));
        return command;
    }

    public static Command Down(Screen screen)
    {
        var command = new Command("down", "Stop the network that runs on this data folder.");
        command.SetAction((parsed, cancellation) =>
            UpCommand.DownAsync(parsed.GetValue(SharedOptions.Data)!, screen, cancellation));
        return command;
    }

    public static Command Status(Screen screen)
    {
        var command = new Command("status", "Show what runs, what is spent, locked and at risk.") { SharedOptions.Json };
        command.SetAction(async (parsed, cancellation) =>
        {
            if (AdminAccess.Open(parsed, screen) is not { } admin)
            {
                return ExitCodes.NotRunning;
            }

            using (admin)
            {
                return AdminAccess.Print(await admin.GetAsync("/admin/v1/status", cancellation), parsed, screen);
            }
        });
        return command;
    }

    public static Command Chat(Screen screen)
    {
        var model = new Option<string?>("--model") { Description = "Model to talk to (default: the first that the gateway lists)." };
        var prompt = new Argument<string?>("prompt")
        {
            Description = "Ask once and exit; without it the chat is interactive.", Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command("chat", "Talk to a model through the gateway; every answer shows its cost.") { model, prompt };
        command.SetAction(async (parsed, cancellation) =>
        {
            var data = new DataDirectory(parsed.GetValue(SharedOptions.Data)!);
            if (RunningFile.Find(data, out _) is not { } running || DataDirectory.Read(data.ApiKey) is not { } key)
            {
                screen.Error($"Nothing runs on {data.Root}. Start it with 'souk up'.");
                return ExitCodes.NotRunning;
            }

            using var link = new OpenAiLink(RoleHosts.Url("http", running.Ports.Gateway), key);
            var name = parsed.GetValue(model) ?? await link.FirstModelAsync(cancellation);
            if (name is null)
            {
                screen.Error("The gateway knows no model at the moment; try again shortly.");
                return ExitCodes.Failed;
            }

            return await new ChatSession(link, screen, name).RunAsync(parsed.GetValue(prompt), cancellation);
        });
        return command;
    }
}

/// <summary>The owner's access to the gateway that runs on a data folder.</summary>
internal static class AdminAccess
{
    /// <summary>A link to the admin API, or null after saying that nothing runs.</summary>
    public static AdminLink? Open(ParseResult parsed, Screen screen)
    {
        var data = new DataDirectory(parsed.GetValue(SharedOptions.Data)!);
        if (RunningFile.Find(data, out _) is not { } running || DataDirectory.Read(data.AdminToken) is not { } token)
        {
            screen.Error($"Nothing runs on {data.Root}. Start it with 'souk up'.");
            return null;
        }

        return new AdminLink(RoleHosts.Url("http", running.Ports.Admin), token);
    }

    /// <summary>Prints an answer of the admin API: its fields for people, or the JSON itself.</summary>
    public static int Print(Protocol.Result<JsonElement> answer, ParseResult parsed, Screen screen)
    {
        if (!answer.TryGet(out var json, out var refusal))
        {
            screen.Error(refusal.Message);
            return ExitCodes.Failed;
        }

        if (parsed.GetValue(SharedOptions.Json))
        {
            Console.Out.WriteLine(json.GetRawText());
            return ExitCodes.Ok;
        }

        foreach (var field in json.EnumerateObject())
        {
            if (field.Value.ValueKind == JsonValueKind.Array)
            {
                PrintRows(field.Value, screen);
            }
            else
            {
                screen.Field(field.Name.Replace('_', ' '), Text(field.Value));
            }
        }

        return ExitCodes.Ok;
    }

    private static void PrintRows(JsonElement rows, Screen screen)
    {
        foreach (var row in rows.EnumerateArray())
        {
            foreach (var field in row.EnumerateObject())
            {
                screen.Field(field.Name.Replace('_', ' '), Text(field.Value));
            }

            screen.Line();
        }
    }

    private static string Text(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
}
