using System.CommandLine;
using Souk.Cli.Commands;
using Souk.Cli.Output;
using Spectre.Console;

if (Console.IsOutputRedirected)
{
    // A file or a pipe has no width to wrap at.
    AnsiConsole.Console.Profile.Width = 4096;
}

var screen = new Screen(AnsiConsole.Console, TimeProvider.System);
var root = new RootCommand($"Souk: an open market for AI compute. {ExitCodes.Help}")
{
    SharedOptions.Data,
    NetworkCommands.Up(screen),
    NetworkCommands.Down(screen),
    NetworkCommands.Status(screen),
    NetworkCommands.Chat(screen),
    KeyCommands.Keys(screen),
};

var parsed = root.Parse(args);
var code = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(45) });
return parsed.Errors.Count > 0 ? ExitCodes.Usage : code;
