using System.Xml.Linq;

namespace Souk.Tidy;

/// <summary>One line of the table of rooms.</summary>
internal sealed record Room(string Tier, string Name, string MayReference);

/// <summary>The table of rooms in docs/ARCHITECTURE.md, and what it allows.</summary>
internal static class RoomTable
{
    private static readonly string[] Header = ["tier", "project (`Souk.` prefix)", "purpose", "may reference"];

    /// <summary>Reads the table; an empty tier repeats the one above.</summary>
    public static IReadOnlyList<Room> Parse(string markdown)
    {
        var rooms = new List<Room>();
        var isInside = false;
        foreach (var line in markdown.Split('\n'))
        {
            var cells = line.Trim().Trim('|').Split('|', StringSplitOptions.TrimEntries);
            if (cells.SequenceEqual(Header))
            {
                isInside = true;
            }
            else if (isInside && !line.StartsWith('|'))
            {
                break;
            }
            else if (isInside && !cells[0].StartsWith("---", StringComparison.Ordinal))
            {
                var tier = cells[0].Length > 0 ? cells[0] : rooms[^1].Tier;
                rooms.Add(new(tier, cells[1], cells[3]));
            }
        }

        return rooms;
    }

    /// <summary>The rooms that one may reference: named one by one, by tier, all, or nothing.</summary>
    public static HashSet<string> Allowed(Room room, IReadOnlyList<Room> rooms)
    {
        if (room.MayReference == "nothing")
        {
            return [];
        }

        if (room.MayReference == "all")
        {
            return [.. rooms.Where(r => r != room).Select(r => r.Name)];
        }

        var allowed = new HashSet<string>();
        foreach (var word in room.MayReference.Split(',', StringSplitOptions.TrimEntries))
        {
            var named = rooms.Where(r => r.Tier == word || r.Name == word).Select(r => r.Name).ToList();
            if (named.Count == 0)
            {
                throw new FormatException($"The row of {room.Name} allows '{word}', which is neither room nor tier.");
            }

            allowed.UnionWith(named);
        }

        return allowed;
    }

    /// <summary>The rooms that a project file references.</summary>
    public static IReadOnlyList<string> References(string projectXml) =>
    [
        .. XDocument.Parse(projectXml).Descendants("ProjectReference")
            .Where(r => (string?)r.Attribute("ReferenceOutputAssembly") != "false")
            .Select(r => Path.GetFileNameWithoutExtension(((string)r.Attribute("Include")!).Replace('\\', '/')))
            .Select(n => n.StartsWith("Souk.", StringComparison.Ordinal) ? n[5..] : n),
    ];
}
