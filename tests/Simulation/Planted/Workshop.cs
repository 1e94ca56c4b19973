using System.Diagnostics;

namespace Souk.Simulation.Planted;

/// <summary>
/// Builds a copy of the roles that has every planted bug in it, each behind a switch of its own, so that one build
/// serves them all and nothing of it is in the product's sources.
/// </summary>
internal static class Workshop
{
    private const string Switch = "SOUK_PLANTED";
    private static readonly string[] Copied = ["src", "tools", "contracts/abi", "tests/Testbed", "tests/Simulation"];

    private static readonly string[] Files =
        ["Directory.Build.props", "Directory.Packages.props", "global.json", "BannedSymbols.txt", ".editorconfig"];

    /// <summary>All bugs.</summary>
    public static IReadOnlyList<PlantedBug> Bugs { get; } =
        [.. CustomerBugs.All, .. ProviderBugs.All, .. TowerBugs.All];

    /// <summary>The environment that switches a bug on in the copy.</summary>
    public static KeyValuePair<string, string?> On(string bug) => new(Switch, bug);

    /// <summary>Sources of the repository this was built from.</summary>
    public static string Root()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at.FullName, "Souk.slnx")))
        {
            at = at.Parent ?? throw new InvalidOperationException("There is no repository around this program.");
        }

        return at.FullName;
    }

    /// <summary>The program in the copy.</summary>
    public static string Program =>
        Path.Combine(Root(), "artifacts/planted/artifacts/bin/Souk.Simulation/release/Souk.Simulation.dll");

    /// <summary>Makes and builds the copy; gives the program in it.</summary>
    public static string Build()
    {
        var (root, copy) = (Root(), Path.Combine(Root(), "artifacts", "planted"));
        foreach (var folder in Copied)
        {
            var target = Path.Combine(copy, folder);
            if (Directory.Exists(target))
            {
                Directory.Delete(target, recursive: true);
            }

            Copy(Path.Combine(root, folder), target);
        }

        foreach (var file in Files.Where(file => File.Exists(Path.Combine(root, file))))
        {
            File.Copy(Path.Combine(root, file), Path.Combine(copy, file), overwrite: true);
        }

        File.WriteAllText(Path.Combine(copy, "src/Protocol/Planted.cs"), Source);
        foreach (var bug in Bugs)
        {
            foreach (var hunk in bug.Hunks)
            {
                var path = Path.Combine(copy, hunk.File);
                File.WriteAllText(path, Apply(File.ReadAllText(path), bug, hunk));
            }
        }

        Run("dotnet",
            "build tests/Simulation -c Release -v q -p:RunAnalyzers=false -p:TreatWarningsAsErrors=false "
            + "-p:EnforceCodeStyleInBuild=false -p:GenerateDocumentationFile=false", copy);
        return Program;
    }

    /// <summary>A text with a hunk in it. Bugs may share a place: then the later finds its text inside the earlier's.
    /// </summary>
    /// <exception cref="InvalidOperationException">The place is not there, or not once.</exception>
    public static string Apply(string text, PlantedBug bug, Hunk hunk)
    {
        var at = text.IndexOf(hunk.Find, StringComparison.Ordinal);
        if (at < 0)
        {
            throw new InvalidOperationException($"{bug.Name}: its place in {hunk.File} is gone: {hunk.Find}");
        }

        if (text.IndexOf(hunk.Find, at + 1, StringComparison.Ordinal) >= 0)
        {
            throw new InvalidOperationException($"{bug.Name}: its place in {hunk.File} is there twice: {hunk.Find}");
        }

        var replaced = hunk.Replace.Replace(
            "PLANTED", $"global::Souk.Protocol.Planted.Is(\"{bug.Name}\")", StringComparison.Ordinal);
        return string.Concat(text.AsSpan(0, at), replaced, text.AsSpan(at + hunk.Find.Length));
    }

    private const string Source = """
        namespace Souk.Protocol;

        public static class Planted
        {
            private static readonly string? On = System.Environment.GetEnvironmentVariable("SOUK_PLANTED");

            public static bool Is(string bug) => On == bug;
        }
        """;

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }

        foreach (var folder in Directory.EnumerateDirectories(from))
        {
            if (Path.GetFileName(folder) is not ("bin" or "obj" or "node_modules"))
            {
                Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
            }
        }
    }

    private static void Run(string program, string arguments, string folder)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
        })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"The copy with the planted bugs does not build:\n{output}");
        }
    }
}
