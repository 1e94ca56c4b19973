namespace Souk.Tidy;

public sealed class RoomTests
{
    private const string Sample = """
        | tier | project (`Souk.` prefix) | purpose | may reference |
        |---|---|---|---|
        | language | Protocol | Nouns. | nothing |
        | | OpenAi | Shapes. | nothing |
        | rules | Market | Verbs. | Protocol |
        | edges | Wire | Links. | language |
        | faces | Cli | Root. | all |

        | other | table |
        """;

    private static readonly IReadOnlyList<Room> Rooms = RoomTable.Parse(Repository.Read("docs/ARCHITECTURE.md"));

    [Fact]
    public void Every_room_of_the_table_is_a_project_and_every_project_a_room()
    {
        var projects = Repository.Files
            .Where(f => Repository.IsUnder(f, "src/") && f.EndsWith(".csproj", StringComparison.Ordinal))
            .ToList();

        Assert.Equal(
            Rooms.Select(r => $"src/{r.Name}/Souk.{r.Name}.csproj").Order(StringComparer.Ordinal),
            projects);
    }

    [Fact]
    public void No_room_references_more_than_its_row_allows()
    {
        var wrong = Rooms.SelectMany(room => RoomTable
            .References(Repository.Read($"src/{room.Name}/Souk.{room.Name}.csproj"))
            .Except(RoomTable.Allowed(room, Rooms))
            .Select(name => $"{room.Name} references {name}"));

        Violations.None(wrong);
    }

    [Fact]
    public void Every_room_has_its_tests()
    {
        var missing = Rooms.Where(r => !Repository.Files.Contains($"tests/{r.Name}.Tests/Souk.{r.Name}.Tests.csproj"));

        Violations.None(missing.Select(r => r.Name));
    }

    [Fact]
    public void The_table_is_read_as_people_read_it()
    {
        var rooms = RoomTable.Parse(Sample);

        Assert.Equal(["Protocol", "OpenAi", "Market", "Wire", "Cli"], rooms.Select(r => r.Name));
        Assert.Equal("language", rooms[1].Tier);
        Assert.Empty(RoomTable.Allowed(rooms[0], rooms));
        Assert.Equal(["Protocol"], RoomTable.Allowed(rooms[2], rooms));
        Assert.Equal(["Protocol", "OpenAi"], RoomTable.Allowed(rooms[3], rooms));
        Assert.Equal(4, RoomTable.Allowed(rooms[4], rooms).Count);
        Assert.Throws<FormatException>(() => RoomTable.Allowed(rooms[0] with { MayReference = "edge" }, rooms));
    }

    [Fact]
    public void References_are_read_from_the_project_file()
    {
        const string Project = """
            <Project><ItemGroup>
              <ProjectReference Include="../Wire/Souk.Wire.csproj" />
              <ProjectReference Include="..\..\tools\Bindings\Souk.Bindings.csproj" ReferenceOutputAssembly="false" />
            </ItemGroup></Project>
            """;

        Assert.Equal(["Wire"], RoomTable.References(Project));
    }
}
