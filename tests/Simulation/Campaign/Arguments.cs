using System.Globalization;

namespace Souk.Simulation.Campaign;

/// <summary>Options of a campaign's command line.</summary>
internal sealed class Arguments(string[] args)
{
    public bool Has(string name) => args.Contains(name);

    public string? Text(string name) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length
        ? args[at + 1]
        : null;

    public long Number(string name, long otherwise) =>
        Text(name) is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    public IEnumerable<string> List(string name) => Text(name)?.Split(',', StringSplitOptions.RemoveEmptyEntries) ?? [];
}
