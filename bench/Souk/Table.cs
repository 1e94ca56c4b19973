using System.Globalization;

namespace Souk.Bench;

/// <summary>Prints rows of a name and figures.</summary>
internal static class Table
{
    public static void Head(string title, params string[] columns)
    {
        Console.WriteLine();
        Console.WriteLine(title);
        Console.WriteLine($"  {"",-44}{string.Concat(columns.Select(column => $"{column,14}"))}");
    }

    public static void Row(string name, params double[] figures) =>
        Console.WriteLine($"  {name,-44}{string.Concat(figures.Select(Shown))}");

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }

    private static string Shown(double figure) =>
        figure.ToString(Format(figure), CultureInfo.InvariantCulture).PadLeft(14);

    private static string Format(double figure) => Math.Abs(figure) switch
    {
        >= 1000 => "N0",
        >= 10 => "F1",
        _ => "F3",
    };
}
