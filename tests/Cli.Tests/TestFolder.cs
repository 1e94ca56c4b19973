using Souk.Cli.Output;
using Spectre.Console;

namespace Souk.Cli.Tests;

/// <summary>A folder of a test's own, gone afterwards.</summary>
internal sealed class TestFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("souk-cli-").FullName;

    public string In(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>A screen without a terminal, as with a pipe, and what was written to it.</summary>
internal sealed class PipedScreen : IDisposable
{
    private readonly StringWriter _output = new();
    private readonly StringWriter _errors = new();

    public PipedScreen() => Screen = new Screen(Console(_output), Console(_errors), TimeProvider.System);

    public Screen Screen { get; }

    public string Output => _output.ToString();

    public string Errors => _errors.ToString();

    public Task<int> RunAsync(params string[] args) => CommandTree.RunAsync(args, Screen);

    public void Dispose()
    {
        _output.Dispose();
        _errors.Dispose();
    }

    private static IAnsiConsole Console(TextWriter writer)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No, Interactive = InteractionSupport.No, ColorSystem = ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(writer),
        });
        console.Profile.Width = 4096;
        return console;
    }
}
