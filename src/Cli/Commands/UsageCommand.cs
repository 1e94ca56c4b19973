using System.CommandLine;
using System.Text.Json;
using Souk.Cli.Output;

namespace Souk.Cli.Commands;

/// <summary><c>usage</c>: what was used and what it cost, as a table, CSV or JSON.</summary>
internal static class UsageCommand
{
    private static readonly string[] Texts = ["day", "key", "name", "model"];

    public static Command Usage(Screen screen)
    {
        var by = new Option<string[]>("--by")
        {
            Description = "Group by any of key, model and day (default: all three).", AllowMultipleArgumentsPerToken =
                true,
        };
        var from = new Option<string?>("--from")
        {
            Description = "First UTC day, such as 2026-11-24 (default: 30 days ending with the last).",
        };
        var to = new Option<string?>("--to") { Description = "Last UTC day (default: today)." };
        var csv = new Option<bool>("--csv") { Description = "Print comma-separated values with a heading." };
        var command = new Command("usage", "Show what API keys used and were billed, by key, model and UTC day.")
        {
            by, from, to, csv, SharedOptions.Json,
        };
        return command.DoesAtGateway(screen, async (admin, parsed, cancellation) =>
        {
            var groups = (parsed.GetValue(by) ?? []).SelectMany(group => group.Split(',')).Distinct().ToList();
            var query = string.Join('&', new[]
            {
                groups.Count > 0 ? "by=" + Uri.EscapeDataString(string.Join(',', groups)) : null,
                parsed.GetValue(from) is { } first ? "from=" + Uri.EscapeDataString(first) : null,
                parsed.GetValue(to) is { } last ? "to=" + Uri.EscapeDataString(last) : null,
            }.Where(part => part is not null));
            var answer = await admin.GetAsync($"/admin/v1/usage?{query}", cancellation);
            return parsed.GetValue(SharedOptions.Json) || !answer.TryGet(out var json, out _)
                ? AdminAccess.Print(answer, parsed, screen)
                : Show(json, parsed.GetValue(csv), screen);
        });
    }

    private static int Show(JsonElement json, bool isCsv, Screen screen)
    {
        var rows = json.GetProperty("rows").EnumerateArray().ToList();
        var total = json.GetProperty("total");
        var names = (rows.Count > 0 ? rows[0] : total).EnumerateObject().Select(field => field.Name).ToArray();
        if (isCsv)
        {
            screen.Raw(string.Join(',', names));
            rows.ForEach(row => screen.Raw(string.Join(',', names.Select(name => Csv(Text(row, name))))));
            return ExitCodes.Ok;
        }

        // People tell keys by name; its hash is for programs.
        names = [.. names.Where(name => name != "key")];
        List<string[]> cells = rows.ConvertAll(row => (string[])[.. names.Select(name => Cell(row, name))]);
        cells.Add([.. names.Select((name, at) => at == 0 && Texts.Contains(name) ? "total" : Text(total, name))]);
        screen.Table([.. names.Select(name => (name.Replace('_', ' ').ToUpperInvariant(), !Texts.Contains(name)))],
            cells);
        return ExitCodes.Ok;
    }

    private static string Cell(JsonElement row, string name) =>
        name == "name" && Text(row, name).Length == 0 ? "(gateway)" : Text(row, name);

    private static string Text(JsonElement row, string name) =>
        row.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value.ToString() : "";

    private static string Csv(string text) => text.AsSpan().IndexOfAny("\",\r\n") < 0
        ? text
        : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
