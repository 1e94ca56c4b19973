using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Souk.Tidy;

public sealed class StructureTests
{
    private static readonly string[] Drawers = ["Common", "Core", "Helpers", "Utils", "Models", "Manager"];
    private static readonly string[] CodeFolders = ["src/", "tests/", "bench/", "tools/", "contracts/"];

    [Fact]
    public void No_project_or_folder_is_a_drawer() => Violations.None(Repository.Files
        .Where(f => Repository.IsUnder(f, CodeFolders))
        .Where(f => f.Split('/')[..^1].Any(IsDrawer) || (IsProject(f) && IsDrawer(ProjectName(f)))));

    [Fact]
    public void No_code_lies_outside_a_project()
    {
        var homes = Repository.Files.Where(IsProject).Select(f => f[..(f.LastIndexOf('/') + 1)]).ToArray();
        var dead = Repository.Files
            .Where(f => f.EndsWith(".cs", StringComparison.Ordinal) && !Repository.IsUnder(f, homes));

        Violations.None(dead);
    }

    [Fact]
    public void The_solution_holds_every_project_and_no_other()
    {
        var listed = XDocument.Parse(Repository.Read("Souk.slnx")).Descendants("Project")
            .Select(p => ((string)p.Attribute("Path")!).Replace('\\', '/'));

        Assert.Equal(Repository.Files.Where(IsProject), listed.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_role_is_added_by_one_method_and_mapped_by_one()
    {
        var roles = RoomTable.Parse(Repository.Read("docs/ARCHITECTURE.md"))
            .Where(r => r.Tier == "roles").Select(r => r.Name).ToList();

        Assert.NotEmpty(roles);
        Assert.All(roles, role =>
        {
            var extensions = Repository.Files
                .Where(f => Repository.IsUnder(f, $"src/{role}/") && f.EndsWith(".cs", StringComparison.Ordinal))
                .SelectMany(f => Extensions(Repository.Read(f)))
                .ToList();
            Assert.Equal([$"Add{role}"], Named(extensions, "IServiceCollection"));
            Assert.Equal([$"Map{role}"], Named(extensions, "IEndpointRouteBuilder"));
        });
    }

    [Fact]
    public void Extension_methods_are_found_by_what_they_extend()
    {
        const string Code = """
            public static class E
            {
                public static IServiceCollection AddX(
                    this IServiceCollection services, int a) => services;

                internal static void AddY(this IServiceCollection services) { }

                public static void Plain(IServiceCollection services) { }
            }
            """;

        Assert.Equal([("AddX", "IServiceCollection")], Extensions(Code));
    }

    private static IEnumerable<(string Name, string Extends)> Extensions(string code) =>
        CSharpSyntaxTree.ParseText(code, new CSharpParseOptions(LanguageVersion.Preview)).GetRoot().DescendantNodes()
            .OfType<MethodDeclarationSyntax>()
            .Where(m => m.Modifiers.Any(SyntaxKind.PublicKeyword)
                && m.ParameterList.Parameters.FirstOrDefault()?.Modifiers.Any(SyntaxKind.ThisKeyword) == true)
            .Select(m => (m.Identifier.Text, m.ParameterList.Parameters[0].Type!.ToString()));

    private static IEnumerable<string> Named(List<(string Name, string Extends)> extensions, string type) =>
        extensions.Where(e => e.Extends == type).Select(e => e.Name);

    private static bool IsProject(string path) => path.EndsWith(".csproj", StringComparison.Ordinal);

    private static string ProjectName(string path) => Path.GetFileNameWithoutExtension(path);

    private static bool IsDrawer(string name) => name.Split('.').Any(Drawers.Contains);
}
