using System.Net;
using System.Net.Sockets;

namespace Souk.EndToEnd.Processes;

/// <summary>Where things are on this machine: the source tree, the program as it was built, free ports.</summary>
internal static class Places
{
    private const int FirstPort = 12_000;
    private const int LastPort = 32_000;

    /// <summary>The source tree.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The model that networks sell.</summary>
    public static string Model { get; } = Path.Combine(Root, "models", "demo", "model");

    /// <summary>The embedding model of the repository.</summary>
    public static string EmbeddingModel { get; } = Path.Combine(Root, "models", "embedding", "model");

    /// <summary>The evaluation set.</summary>
    public static string Evaluation { get; } = Path.Combine(Root, "models", "demo", "eval", "evaluation.jsonl");

    /// <summary>The program, built in the same configuration as this test.</summary>
    public static string Program { get; } = Path.Combine(
        Root, "artifacts", "bin", "Souk.Cli",
            Path.GetFileName(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar)),
        OperatingSystem.IsWindows() ? "souk.exe" : "souk");

    /// <summary>The first of five neighbouring ports that are free now.</summary>
    public static int FivePorts() => Ports(5);

    /// <summary>A free port.</summary>
    public static int OnePort() => Ports(1);

    // They lie below those that systems give to outgoing connections, so that none is taken before it is listened on,
    // or between two starts of the same network.
    private static int Ports(int count)
    {
        for (var i = 0; i < 200; i++)
        {
            var start = Random.Shared.Next(FirstPort, LastPort);
            if (Enumerable.Range(start, count).All(IsFree))
            {
                return start;
            }
        }

        throw new InvalidOperationException($"There are no {count} neighbouring free ports.");
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static string FindRoot()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (at is not null && !File.Exists(Path.Combine(at.FullName, "Souk.slnx")))
        {
            at = at.Parent;
        }

        return at?.FullName ?? throw new InvalidOperationException("The test does not run inside the source tree.");
    }
}
