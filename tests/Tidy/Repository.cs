using System.Diagnostics;

namespace Souk.Tidy;

/// <summary>The repository's own files, those that git ignores left out. Paths are relative, with slashes.</summary>
internal static class Repository
{
    private static readonly string[] IgnoredFolders =
        [".git", ".vs", ".idea", "artifacts", "bin", "obj", "node_modules", "out", "cache", "broadcast", "TestResults"];

    private static readonly string[] TextKinds =
    [
        ".cs", ".csproj", ".props", ".targets", ".slnx", ".json", ".jsonl", ".sol", ".mjs", ".js", ".py", ".sh", ".md",
        ".txt", ".toml", ".yml", ".yaml", ".jinja", ".sse", ".npmrc", ".editorconfig", ".gitignore", "",
    ];

    public static string Root { get; } = FindRoot();

    /// <summary>Every file, sorted.</summary>
    public static IReadOnlyList<string> Files { get; } = [.. (FromGit() ?? FromDisk()).Order(StringComparer.Ordinal)];

    /// <summary>Every file that people read.</summary>
    public static IEnumerable<string> TextFiles => Files.Where(f => TextKinds.Contains(Path.GetExtension(f)));

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>Whether a file is code that the length rules hold for.</summary>
    public static bool IsRuled(string path) =>
        (path.EndsWith(".cs", StringComparison.Ordinal) && IsUnder(path, "src/", "tests/", "bench/", "tools/"))
        || (path.EndsWith(".sol", StringComparison.Ordinal) && IsUnder(path, "contracts/src/", "contracts/test/"));

    public static bool IsUnder(string path, params string[] folders) =>
        Array.Exists(folders, f => path.StartsWith(f, StringComparison.Ordinal));

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Souk.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("The tests do not run inside the repository.");
    }

    /// <summary>Tracked files and new ones that are not ignored; null where this is no git checkout.</summary>
    private static List<string>? FromGit()
    {
        var start = new ProcessStartInfo("git")
        {
            WorkingDirectory = Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in (string[])["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        {
            start.ArgumentList.Add(argument);
        }

        try
        {
            using var git = Process.Start(start)!;
            git.ErrorDataReceived += static (_, _) => { };
            git.BeginErrorReadLine();
            var output = git.StandardOutput.ReadToEnd();
            git.WaitForExit();
            var files = output.Split('\0', StringSplitOptions.RemoveEmptyEntries);
            return git.ExitCode == 0 && files.Length > 0
                ? [.. files.Where(f => File.Exists(Path.Combine(Root, f)))]
                : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    private static List<string> FromDisk()
    {
        var files = new List<string>();
        var folders = new Stack<string>([Root]);
        while (folders.TryPop(out var folder))
        {
            files.AddRange(Directory.GetFiles(folder).Select(f => Path.GetRelativePath(Root, f).Replace('\\', '/')));
            foreach (var inner in Directory.GetDirectories(folder))
            {
                if (!IgnoredFolders.Contains(Path.GetFileName(inner)))
                {
                    folders.Push(inner);
                }
            }
        }

        return files;
    }
}
