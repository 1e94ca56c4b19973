using System.CommandLine;
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
        var quiet = new Option<bool>("--no-demo") { Description = "Do not ask the first question." };
        var command = new Command(
            "up", "Start a whole network on this machine, show a first paid answer, and keep running.")
        {
            SharedOptions.PortBase, quiet,
        };
        EngineOptions.AddTo(command);
        return command.Does(screen, (parsed, cancellation) => UpCommand.RunAsync(
            new UpRequest(
                parsed.GetValue(SharedOptions.Data)!,
                SharedOptions.Ports(parsed),
                EngineOptions.Choice(parsed),
                parsed.GetValue(quiet)),
            screen,
            cancellation));
    }

    public static Command Down(Screen screen) =>
        new Command("down", "Stop, in order, whatever runs on this data folder.") { SharedOptions.Json }.Does(
            screen,
            (parsed, cancellation) => UpCommand.DownAsync(
                parsed.GetValue(SharedOptions.Data)!, Guarded.Reply(parsed, screen), cancellation));

    public static Command Status(Screen screen) =>
        new Command(
            "status", "Show what runs, what is spent and earned, locked and at risk.") { SharedOptions.Json }.Does(
            screen,
            (parsed, cancellation) => StatusReport.ShowAsync(
                new DataDirectory(parsed.GetValue(SharedOptions.Data)!), Guarded.Reply(parsed, screen), cancellation));

    public static Command Chat(Screen screen)
    {
        var model = new Option<string?>("--model")
        {
            Description = "Model to talk to (default: the first that the gateway lists).",
        };
        var prompt = new Argument<string?>("prompt")
        {
            Description = "Ask once and exit; without it the chat is interactive.", Arity = ArgumentArity.ZeroOrOne,
        };
        var key = new Option<string?>(
            "--api-key") { Description = "API key (default: SOUK_API_KEY, or the data folder's own)." };
        return new Command(
            "chat", "Talk to a model through the gateway; every answer shows its cost.") { model, key, prompt }
            .Does(screen, async (parsed, cancellation) =>
            {
                var data = new DataDirectory(parsed.GetValue(SharedOptions.Data)!);
                if (RunningFile.Find(data, "gateway") is not { } running)
                {
                    screen.Error(AdminAccess.NothingRuns(data));
                    return ExitCodes.NotRunning;
                }

                if ((parsed.GetValue(key) ?? Environment.GetEnvironmentVariable("SOUK_API_KEY")
                    ?? DataDirectory.Read(data.ApiKey)) is not { } secret)
                {
                    screen.Error("Which API key? Make one with 'souk keys create NAME' and give it with --api-key or "
                        + "SOUK_API_KEY.");
                    return ExitCodes.Failed;
                }

                using var link = new OpenAiLink(RoleHosts.Url("http", running.Ports.Gateway), secret);
                var name = parsed.GetValue(model) ?? await link.FirstModelAsync(cancellation);
                if (name is null)
                {
                    screen.Error("The gateway knows no model at the moment; try again shortly.");
                    return ExitCodes.Failed;
                }

                return await new ChatSession(link, screen, name).RunAsync(parsed.GetValue(prompt), cancellation);
            });
    }
}
