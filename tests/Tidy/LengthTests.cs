namespace Souk.Tidy;

public sealed class LengthTests
{
    private const int MostFileLines = 399;
    private const int MostMethodLines = 69;
    private const int MostLineCharacters = 120;
    private const int MostReadmeLines = 119;

    [Fact]
    public void No_file_has_400_lines() => Violations.None(Ruled()
        .Select(f => (f.Path, Lines: f.Text.AsSpan().TrimEnd('\n').Count('\n') + 1))
        .Where(f => f.Lines > MostFileLines)
        .Select(f => $"{f.Path} has {f.Lines} lines"));

    [Fact]
    public void No_line_has_more_than_120_characters() => Violations.None(Ruled()
        .SelectMany(f => f.Text.Split('\n')
            .Select((line, i) => (f.Path, Number: i + 1, line.TrimEnd('\r').Length))
            .Where(l => l.Length > MostLineCharacters))
        .Select(l => $"{l.Path}:{l.Number} has {l.Length} characters"));

    [Fact]
    public void No_method_has_70_lines() => Violations.None(Ruled()
        .SelectMany(f => Methods(f.Path, f.Text)
            .Where(m => m.Lines > MostMethodLines)
            .Select(m => $"{f.Path}:{m.Line} {m.Name} has {m.Lines} lines")));

    [Fact]
    public void The_readme_is_short() =>
        Assert.InRange(Repository.Read("README.md").TrimEnd('\n').Split('\n').Length, 1, MostReadmeLines);

    [Fact]
    public void The_rules_look_at_the_code_that_there_is()
    {
        var paths = Ruled().Select(f => f.Path).ToList();

        Assert.True(paths.Count > 100, $"Only {paths.Count} files are looked at.");
        foreach (var place in (string[])["src/", "tests/", "bench/", "contracts/src/", "contracts/test/"])
        {
            Assert.Contains(paths, p => p.StartsWith(place, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Methods_of_a_csharp_file_are_measured_from_name_to_brace()
    {
        const string Code = """"
            var a = 1;
            System.Console.WriteLine(a);
            internal sealed class C
            {
                [System.Obsolete]
                public int M() => 1;

                public C()
                {
                    var text = """
                        } } {
                        """;
                }

                int P { get { return 1; } }
                void Outer()
                {
                    void Inner()
                    {
                    }
                }
            }
            """";

        Assert.Equal(
            [("M", 6, 1), ("C", 8, 6), ("get", 15, 1), ("Outer", 16, 6), ("Inner", 18, 3), ("top level", 1, 2)],
            MethodLengths.OfCSharp(Code));
    }

    [Fact]
    public void Functions_of_a_solidity_file_are_measured_despite_strings_and_comments()
    {
        const string Code = """
            contract C {
                function declared() external;
                // function comment() {
                function f(uint256 a)
                    external
                {
                    string memory s = "}";
                    /* } */
                }
                constructor() {
                }
            }
            """;

        Assert.Equal([("declared", 2, 1), ("f", 4, 6), (")", 10, 2)], MethodLengths.OfSolidity(Code));
    }

    private static IEnumerable<(string Path, string Text)> Ruled() =>
        Repository.Files.Where(Repository.IsRuled).Select(f => (f, Repository.Read(f)));

    private static IEnumerable<(string Name, int Line, int Lines)> Methods(string path, string text) =>
        path.EndsWith(".sol", StringComparison.Ordinal) ? MethodLengths.OfSolidity(text) : MethodLengths.OfCSharp(text);
}
