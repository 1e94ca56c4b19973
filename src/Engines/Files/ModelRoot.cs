using System.Security.Cryptography;
using Souk.Protocol;

namespace Souk.Engines.Files;

/// <summary>A model's directory, read with suspicion: it came from somewhere else, so no path may lead out of it, by
/// ".." or by a symbolic link, and no file is read into memory beyond a bound.</summary>
internal sealed class ModelRoot
{
    private const int GreatestLinks = 40;

    private readonly string root;

    /// <exception cref="EngineException">Ours, "model_missing": there is no such directory.</exception>
    public ModelRoot(string directory)
    {
        if (!Directory.Exists(directory))
        {
            throw new EngineException(Fault.Ours, "model_missing", $"There is no model directory \"{directory}\".");
        }

        root = Real(Path.GetFullPath(directory), 0);
    }

    public bool Has(string relative) => File.Exists(Path.Combine(root, relative));

    /// <summary>Files of some folders with an ending, relative, in order; at most the first hundred.</summary>
    public IReadOnlyList<string> List(IReadOnlyList<string> folders, string ending) =>
        [.. folders.Where(folder => Directory.Exists(Path.Combine(root, folder)))
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(root, folder), "*" + ending)
                .Select(file => folder.Length == 0 ? Path.GetFileName(file) : $"{folder}/{Path.GetFileName(file)}"))
            .Take(100).Order(StringComparer.Ordinal)];

    /// <summary>The real path of a file, all links followed.</summary>
    /// <exception cref="EngineException">Ours: the file is missing or lies outside.</exception>
    public string Resolve(string relative)
    {
        string full = Path.GetFullPath(Path.Combine(root, relative));
        RequireInside(full, relative);
        if (!File.Exists(full))
        {
            throw new EngineException(Fault.Ours, "model_missing", $"The model lacks the file {relative}.");
        }

        string real = Real(full, 0);
        RequireInside(real, relative);
        return real;
    }

    public async Task<byte[]> ReadAsync(string relative, int most, CancellationToken cancellationToken)
    {
        await using var file = Open(relative);
        if (file.Length > most)
        {
            throw TooLarge(relative, most);
        }

        byte[] bytes = new byte[file.Length];
        await file.ReadExactlyAsync(bytes, cancellationToken);
        return bytes;
    }

    public async Task<byte[]?> ReadIfAnyAsync(string relative, int most, CancellationToken cancellationToken) =>
        Has(relative) ? await ReadAsync(relative, most, cancellationToken) : null;

    /// <summary>SHA-256 and size of a file, streamed.</summary>
    public async Task<(byte[] Hash, long Size)> HashAsync(
        string relative, long most, CancellationToken cancellationToken)
    {
        await using var file = Open(relative);
        if (file.Length > most)
        {
            throw TooLarge(relative, most);
        }

        return (await SHA256.HashDataAsync(file, cancellationToken), file.Length);
    }

    public FileStream Open(string relative) =>
        new(Resolve(relative), FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, useAsync: false);

    private void RequireInside(string path, string relative)
    {
        if (!path.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            throw new EngineException(
                Fault.Ours, "model_unsafe",
                $"The model's file {relative} leads out of its directory. Copy the files themselves into it.");
        }
    }

    /// <summary>Follows every link on the way, directories' too, from the top down.</summary>
    private static string Real(string path, int links)
    {
        string? parent = Path.GetDirectoryName(path);
        if (parent is null)
        {
            return path;
        }

        if (links > GreatestLinks)
        {
            throw new EngineException(Fault.Ours, "model_unsafe", "The model's symbolic links go round in circles.");
        }

        string here = Path.Combine(Real(parent, links), Path.GetFileName(path));
        FileSystemInfo entry = Directory.Exists(here) ? new DirectoryInfo(here) : new FileInfo(here);
        return entry.LinkTarget is { } target
            ? Real(Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, target)), links + 1)
            : here;
    }

    private static EngineException TooLarge(string relative, long most) =>
        new(Fault.Ours, "model_too_large", $"The model's file {relative} is larger than {most} bytes.");
}
