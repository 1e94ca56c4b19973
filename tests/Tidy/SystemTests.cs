using System.Text.RegularExpressions;

namespace Souk.Tidy;

/// <summary>
/// Tests that need a Debian package are skipped on a user's machine with its name, and never in continuous integration.
/// </summary>
public sealed partial class SystemTests
{
    private const string Npm = "npm ";

    [Fact]
    public void What_tests_need_of_the_system_is_installed_by_continuous_integration()
    {
        var installed = Packages().Match(Repository.Read(".ci/run")).Groups[1].Value.Split(' ');
        var needed = Traits().SelectMany(found => found.Packages).Distinct(StringComparer.Ordinal)
            .Where(package => !package.StartsWith(Npm, StringComparison.Ordinal));

        Assert.Equal(installed.Order(StringComparer.Ordinal), needed.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_test_that_needs_a_package_names_it_where_it_is_skipped_and_is_not_skipped_in_integration() =>
        Violations.None(Traits().SelectMany(found => found.Packages
            .Where(package => !package.StartsWith(Npm, StringComparison.Ordinal)
                && !found.Code.Contains($"Needs the Debian package {package}.", StringComparison.Ordinal))
            .Select(package => $"{found.File} does not say that it needs {package}")
            .Concat(found.Code.Contains("GetEnvironmentVariable(\"CI\")", StringComparison.Ordinal)
                ? []
                : [$"{found.File} does not ask for CI"])));

    private static IEnumerable<(string File, string Code, IEnumerable<string> Packages)> Traits() => Repository.Files
        .Where(f => f.EndsWith(".cs", StringComparison.Ordinal) && Repository.IsUnder(f, "tests/"))
        .Where(f => !Repository.IsUnder(f, "tests/Tidy/"))
        .Select(f => (File: f, Code: Repository.Read(f)))
        .Select(f => (f.File, f.Code, Packages: SystemTrait().Matches(f.Code).Select(m => m.Groups[1].Value)))
        .Where(f => f.Packages.Any());

    [GeneratedRegex("Trait\\(\"system\", \"([^\"]+)\"\\)")]
    private static partial Regex SystemTrait();

    [GeneratedRegex("^packages=\\(([^)]*)\\)", RegexOptions.Multiline)]
    private static partial Regex Packages();
}
