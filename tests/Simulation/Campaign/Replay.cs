using System.Globalization;
using Souk.Simulation.World;

namespace Souk.Simulation.Campaign;

/// <summary>Lives one seed again, whole or with parts left out, and tells its story.</summary>
internal static class Replay
{
    public static int Run(ulong seed, Arguments arguments)
    {
        var omissions = new Omissions(
            arguments.List("--without").Select(Enum.Parse<FaultKind>).ToHashSet(),
            Numbers(arguments, "--skip-events"), Numbers(arguments, "--skip-acts"));
        using var copy = arguments.Text("--story") is { } file ? new StreamWriter(file) : null;
        var fate = MarketLife.Live(Script.Of(seed, omissions), copy);
        Console.WriteLine(fate.Story);
        Console.WriteLine(
            $"seed {fate.Seed}: {fate.Events} events, trace {fate.Trace}, withdrew {fate.Withdrew}, "
            + $"violation: {fate.Violation ?? "none"}");
        return fate.Violation is null ? 0 : 1;
    }

    /// <summary>The command that lives it again.</summary>
    public static string Command(ulong seed, Omissions omissions) =>
        $"dotnet run -c Release --project tests/Simulation -- replay {seed}"
        + Option("--without", omissions.Kinds.Select(kind => kind.ToString()))
        + Option("--skip-events", omissions.Events.Order().Select(Text))
        + Option("--skip-acts", omissions.Acts.Order().Select(Text));

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Option(string name, IEnumerable<string> values) =>
        string.Join(',', values) is { Length: > 0 } list ? $" {name} {list}" : "";

    private static HashSet<int> Numbers(Arguments arguments, string name) =>
        arguments.List(name).Select(text => int.Parse(text, CultureInfo.InvariantCulture)).ToHashSet();
}
