using System.CommandLine;
using Souk.Cli;
using Souk.Cli.Output;
using Spectre.Console;

if (Console.IsOutputRedirected)
{
    // A file or a pipe has no width to wrap at.
    AnsiConsole.Console.Profile.Width = 4096;
}

var errors = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
if (Console.IsErrorRedirected)
{
    errors.Profile.Width = 4096;
}

var screen = new Screen(AnsiConsole.Console, errors, TimeProvider.System);
var parsed = CommandTree.Root(screen).Parse(args);
var code = await parsed.InvokeAsync(
    new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(80) });
return parsed.Errors.Count > 0 ? ExitCodes.Usage : code;
