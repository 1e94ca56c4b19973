namespace Souk.Cli;

/// <summary>Files that come with the source tree, such as anvil and the demo model.</summary>
internal static class Repository
{
    /// <summary>A file or folder by its path in the tree, looked for upwards from the working directory and from this
    /// program; null where it is nowhere.</summary>
    public static string? Find(string relative)
    {
        foreach (var start in new[] { Directory.GetCurrentDirectory(), AppContext.BaseDirectory })
        {
            for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
            {
                var path = Path.Combine(folder.FullName, relative);
                if (Path.Exists(path))
                {
                    return path;
                }
            }
        }

        return null;
    }
}
