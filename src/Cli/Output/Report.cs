using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Souk.Protocol;

namespace Souk.Cli.Output;

/// <summary>What a command has to say: aligned fields for people, one JSON object with <c>--json</c>.</summary>
internal sealed class Report(Screen screen, bool isJson)
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Shows fields; a value is a text, a number, a truth value, null, or rows of fields.</summary>
    public int Show(params (string Name, object? Value)[] fields) =>
        Show(fields.ToDictionary(field => field.Name, field => field.Value));

    /// <summary>Shows fields.</summary>
    public int Show(IReadOnlyDictionary<string, object?> fields)
    {
        if (isJson)
        {
            screen.Raw(JsonSerializer.Serialize(fields, Indented));
        }
        else
        {
            ShowFields(fields);
        }

        return ExitCodes.Ok;
    }

    /// <summary>Says why it was not done.</summary>
    public int Refuse(Refusal refusal)
    {
        if (isJson)
        {
            var error = new Dictionary<string, object?> { ["code"] = refusal.Code, ["message"] = refusal.Message };
            screen.Raw(
                JsonSerializer.Serialize(new Dictionary<string, object?> { ["error"] = error }, Indented));
        }

        screen.Error(refusal.Message);
        return ExitCodes.Failed;
    }

    private void ShowFields(IReadOnlyDictionary<string, object?> fields)
    {
        foreach (var (name, value) in fields)
        {
            switch (value)
            {
                case IEnumerable<IReadOnlyDictionary<string, object?>> rows:
                    foreach (var row in rows)
                    {
                        screen.Line();
                        ShowFields(row);
                    }

                    break;
                case IReadOnlyDictionary<string, object?> group:
                    screen.Heading(name.Replace('_', ' '));
                    ShowFields(group);
                    break;
                case JsonElement json:
                    ShowJson(name, json);
                    break;
                default:
                    screen.Field(name.Replace('_', ' '), Text(value));
                    break;
            }
        }
    }

    private void ShowJson(string name, JsonElement json)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                screen.Heading(name.Replace('_', ' '));
                ShowFields(json.EnumerateObject().ToDictionary(field => field.Name, field => (object?)field.Value));
                break;
            case JsonValueKind.Array:
                foreach (var item in json.EnumerateArray())
                {
                    screen.Line();
                    ShowJson(name, item);
                }

                break;
            default:
                screen.Field(name.Replace('_', ' '), json.ValueKind switch
                {
                    JsonValueKind.Null => Text(null),
                    JsonValueKind.True or JsonValueKind.False => Text(json.GetBoolean()),
                    _ => json.ToString(),
                });
                break;
        }
    }

    private static string Text(object? value) => value switch
    {
        null => "none",
        bool truth => truth ? "yes" : "no",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}
