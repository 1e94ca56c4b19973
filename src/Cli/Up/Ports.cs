using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Souk.Cli.Up;

/// <summary>The ports of a network on this machine; one base moves them all.</summary>
internal sealed record Ports(int Gateway, int Admin, int Provider, int Indexer, int Rpc, int Watch = 0)
{
    /// <summary>Gateway on 8080, its owner's door on 8081, provider on 8082, indexer on 8083, chain on 8545.</summary>
    public static Ports Default { get; } = new(8080, 8081, 8082, 8083, 8545);

    /// <summary>Five ports from a base on: gateway, admin, provider, indexer, chain.</summary>
    public static Ports From(int start) => new(start, start + 1, start + 2, start + 3, start + 4);

    /// <summary>What is wrong with them now; empty when all are free.</summary>
    public IReadOnlyList<string> Problems() => Problems(
        IPAddress.Loopback,
        ("gateway", Gateway), ("admin", Admin), ("provider", Provider), ("indexer", Indexer), ("chain", Rpc));

    /// <summary>What is wrong with some ports of an address now; empty when all are free.</summary>
    public static IReadOnlyList<string> Problems(IPAddress address, params ReadOnlySpan<(string Name, int Port)> ports)
    {
        List<string> problems = [];
        foreach (var (name, port) in ports)
        {
            if (port is < 1 or > ushort.MaxValue)
            {
                problems.Add(
                    string.Create(CultureInfo.InvariantCulture, $"The {name}'s port {port} is no port number."));
            }
            else if (!IsFree(address, port))
            {
                problems.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"Port {port} for the {name} is taken. Stop what uses it, or choose others with --port-base."));
            }
        }

        return problems;
    }

    /// <summary>Whether one can listen there.</summary>
    public static bool IsFree(IPAddress address, int port)
    {
        try
        {
            using var listener = new TcpListener(address, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
