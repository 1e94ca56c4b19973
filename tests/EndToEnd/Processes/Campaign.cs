using System.Globalization;
using System.Text.Json;

namespace Souk.EndToEnd.Processes;

/// <summary>What a long run is told by its environment, and where it says what it saw.</summary>
internal static class Campaign
{
    /// <summary>Of the code under test, as whoever starts a long run knows it.</summary>
    public static string? Commit => Environment.GetEnvironmentVariable("SOUK_COMMIT");

    /// <summary>A whole number, or null where it is not set.</summary>
    public static int? Number(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value)
            ? value
            : null;

    /// <summary>Adds a line of JSON to the file of results, if there is one.</summary>
    public static void Report(object result)
    {
        var line = JsonSerializer.Serialize(result);
        TestContext.Current.SendDiagnosticMessage(line);
        if (Environment.GetEnvironmentVariable("SOUK_RESULTS") is { Length: > 0 } file)
        {
            File.AppendAllText(file, line + "\n");
        }
    }
}
