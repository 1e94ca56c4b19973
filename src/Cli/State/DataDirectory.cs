using System.Text;
using System.Text.Json;

namespace Souk.Cli.State;

/// <summary>
/// Everything that a network on this machine keeps: keys, chain, ledgers, settings, one folder that can be copied or
/// removed as a whole. Secrets are readable by their owner only.
/// </summary>
internal sealed class DataDirectory
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerFolder = OwnerOnly | UnixFileMode.UserExecute;

    public DataDirectory(string path)
    {
        Root = Path.GetFullPath(path);
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(Root);
        }
        else
        {
            Directory.CreateDirectory(Root, OwnerFolder);
        }
    }

    /// <summary>The folder.</summary>
    public string Root { get; }

    public string Network => In("network.json");

    public string Catalogue => In("catalogue.json");

    /// <summary>Who runs a role here; the whole network's is <c>running.json</c>.</summary>
    public string Running(string role) => In(role == "up" ? "running.json" : $"running-{role}.json");

    /// <summary>Address of the customer's vault, once there is one.</summary>
    public string Vault => In("vault.address");

    public string AdminToken => In("admin.token");

    public string ApiKey => In("api.key");

    public string Log(string role) => In(role == "up" ? "souk.log" : $"{role}.log");

    public string Ledger(string role) => In($"{role}.ledger");

    /// <summary>A subfolder, made if need be.</summary>
    public string Folder(string name)
    {
        var path = In(name);
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, OwnerFolder);
        }

        return path;
    }

    /// <summary>Takes the folder for one run of a role; null where another process has it. Freed with the
    /// process.</summary>
    public FileStream? TryLock(string role)
    {
        try
        {
            return new FileStream(In($"{role}.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>The default: the platform's folder for application data, or SOUK_DATA.</summary>
    public static string Default() =>
        Environment.GetEnvironmentVariable("SOUK_DATA") is { Length: > 0 } given
            ? given
            : Path.Combine(
                Environment.GetFolderPath(
                    Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create),
                "souk");

    /// <summary>Writes a file whole or not at all, readable by its owner only.</summary>
    public static void Write(string path, string text)
    {
        var unfinished = path + ".new";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using (var file = new FileStream(unfinished, options))
        {
            file.Write(Encoding.UTF8.GetBytes(text));
            file.Flush(flushToDisk: true);
        }

        File.Move(unfinished, path, overwrite: true);
    }

    /// <summary>A file's text, or null where there is none.</summary>
    public static string? Read(string path) => File.Exists(path) ? File.ReadAllText(path).Trim() : null;

    /// <summary>A JSON file, or null where there is none or it is no such JSON.</summary>
    public static T? ReadJson<T>(string path)
        where T : class
    {
        try
        {
            return Read(path) is { } text ? JsonSerializer.Deserialize<T>(text, JsonSerializerOptions.Web) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Writes a JSON file.</summary>
    public static void WriteJson<T>(string path, T value) =>
        Write(path, JsonSerializer.Serialize(value, JsonSerializerOptions.Web));

    private string In(string name) => Path.Combine(Root, name);
}
