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

return await CommandTree.RunAsync(args, new Screen(AnsiConsole.Console, errors, TimeProvider.System));
