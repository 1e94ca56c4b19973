namespace Souk.Wire.Http;

/// <summary>Writes a secret so that nobody else can ever read it and a crash never leaves half of it.</summary>
internal static class OwnerOnlyFile
{
    public static void Write(string path, string text)
    {
        var aside = path + ".new";
        File.Delete(aside);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            // The mode is given at creation: a later chmod would leave a moment in which others could open the file.
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var file = new FileStream(aside, options))
        {
            file.Write(System.Text.Encoding.UTF8.GetBytes(text));
            file.Flush(flushToDisk: true);
        }

        File.Move(aside, path, overwrite: true);
    }
}
