using System.Globalization;
using Spectre.Console;

namespace Souk.Cli.Output;

/// <summary>What people see: steps with their time in colour on a terminal, plain lines where output is redirected.
/// Errors go to the error stream, so that a pipe carries data only.</summary>
internal sealed class Screen(IAnsiConsole console, IAnsiConsole errors, TimeProvider time)
{
    /// <summary>Where the values of fields begin.</summary>
    public const int ValueColumn = 21;

    private readonly long _start = time.GetTimestamp();

    /// <summary>Does a step, and says that it is under way and how long it took.</summary>
    public async Task<T> StepAsync<T>(string name, Func<Action<string>, Task<T>> work)
    {
        var began = time.GetTimestamp();
        var detail = "";
        if (console.Profile.Capabilities.Interactive && console.Profile.Capabilities.Ansi)
        {
            var result = default(T)!;
            await console.Status().StartAsync(Markup.Escape(name + " ..."), async status =>
            {
                result = await work(text =>
                {
                    detail = text;
                    status.Status = Markup.Escape($"{name}: {text}");
                });
            });
            Done(name, detail, began);
            return result;
        }

        var value = await work(text => detail = text);
        Done(name, detail, began);
        return value;
    }

    /// <summary>A line of text as it is.</summary>
    public void Line(string text = "") => console.WriteLine(text);

    /// <summary>A line for programs: never wrapped, never coloured.</summary>
    public void Raw(string text) => console.Profile.Out.Writer.WriteLine(text);

    /// <summary>A piece of a line.</summary>
    public void Write(string text) => console.Write(new Text(text));

    /// <summary>A name and its value, aligned.</summary>
    public void Field(string name, string value) =>
        console.MarkupLine($"  [grey]{Markup.Escape(name),-18}[/] {Markup.Escape(value)}");

    /// <summary>A heading.</summary>
    public void Heading(string text) => console.MarkupLine($"[bold]{Markup.Escape(text)}[/]");

    /// <summary>Rows under their headings; numbers stand on the right. Never cut, so that a pipe gets whole
    /// values.</summary>
    public void Table(IReadOnlyList<(string Name, bool IsNumber)> columns, IReadOnlyList<string[]> rows)
    {
        var widths = columns.Select((column, at) => rows.Select(row => row[at].Length).Append(column.Name.Length).Max())
            .ToArray();
        Raw(Row([.. columns.Select(column => column.Name)]));
        foreach (var row in rows)
        {
            Raw(Row(row));
        }

        string Row(string[] cells) => string.Join("  ", cells.Select((cell, at) =>
            columns[at].IsNumber ? cell.PadLeft(widths[at]) : cell.PadRight(widths[at]))).TrimEnd();
    }

    /// <summary>One line of a check, and what to do where it found a problem.</summary>
    public void Verdict(bool isOk, string name, string text, string? advice)
    {
        var mark = isOk ? "[green]ok     [/]" : "[red]problem[/]";
        console.MarkupLine($"{mark} {Markup.Escape(name),-16} {Markup.Escape(text)}");
        if (advice is not null)
        {
            console.MarkupLine($"{"",-24} [yellow]{Markup.Escape(advice)}[/]");
        }
    }

    /// <summary>What went wrong and what to do.</summary>
    public void Error(string text) => errors.MarkupLine($"[red]error:[/] {Markup.Escape(text)}");

    /// <summary>Time since the program began, for people.</summary>
    public string Elapsed() => Seconds(time.GetElapsedTime(_start));

    private void Done(string name, string detail, long began)
    {
        var took = Seconds(time.GetElapsedTime(began));
        var tail = detail.Length > 0 ? $": {detail}" : "";
        console.MarkupLine($"[green]✓[/] {Markup.Escape(name + tail)} [grey]({took})[/]");
    }

    private static string Seconds(TimeSpan span) =>
        span.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture) + " s";
}
