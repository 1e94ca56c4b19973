using System.Text.Json;
using Souk.Cli.Hosting;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Cli.Up;
using Souk.Protocol;

namespace Souk.Cli.Commands;

/// <summary><c>status</c>: from the processes that run, and from the data folder's files where none does.</summary>
internal static class StatusReport
{
    private static readonly string[] Books = ["gateway", "provider"];

    public static async Task<int> ShowAsync(DataDirectory data, Report reply, CancellationToken cancellation)
    {
        var running = RunningFile.All(data);
        Dictionary<string, object?> fields = new()
        {
            ["running"] = running.Count > 0,
            ["data"] = data.Root,
            ["processes"] = running.Select(found => new Dictionary<string, object?>
            {
                ["role"] = found.Role == "up" ? "network" : found.Role,
                ["process"] = found.Run.Pid,
                ["ports"] = PortsOf(found.Run.Ports),
            }).ToList(),
        };
        if (running.Count == 0)
        {
            AddFiles(fields, data);
            reply.Show(fields);
            return ExitCodes.NotRunning;
        }

        if (RunningFile.Find(data, "gateway") is not null)
        {
            if (!(await AskAsync(data, "gateway", "/admin/v1/status", cancellation)).TryGet(
                out var gateway, out var refusal))
            {
                return reply.Refuse(refusal);
            }

            foreach (var field in gateway.EnumerateObject())
            {
                fields[field.Name] = field.Value;
            }
        }

        if (RunningFile.Find(data, "provider") is not null)
        {
            if (!(await AskAsync(data, "provider", OwnerDoor.StatusPath, cancellation)).TryGet(
                out var provider, out var refusal))
            {
                return reply.Refuse(refusal);
            }

            fields["provider"] = provider;
        }

        if (RunningFile.Find(data, "watch", out _) is not null)
        {
            if (!(await AskAsync(data, "watch", WatchDoor.StatusPath, cancellation)).TryGet(
                out var tower, out var refusal))
            {
                return reply.Refuse(refusal);
            }

            fields["watch"] = tower;
        }

        return reply.Show(fields);
    }

    private static async Task<Result<JsonElement>> AskAsync(
        DataDirectory data, string role, string path, CancellationToken cancellation)
    {
        if (AdminAccess.Find(data, role) is not { } link)
        {
            return new Refusal(Fault.Nobody, "not_running", $"The {role} has just stopped.");
        }

        using (link)
        {
            return await link.GetAsync(path, cancellation);
        }
    }

    private static void AddFiles(Dictionary<string, object?> fields, DataDirectory data)
    {
        if (DataDirectory.Read(data.Network) is { } text && NetworkFile.Parse(text).TryGet(out var network, out _))
        {
            fields["chain_id"] = network.ChainId;
            fields["escrow"] = network.Escrow.ToString();
            fields["registry"] = network.Registry.ToString();
            fields["currency"] = network.Currency.ToString();
        }

        fields["vault"] = DataDirectory.Read(data.Vault);
        fields["ledgers"] = string.Join(", ", Books.Where(role => File.Exists(data.Ledger(role))));
        fields["hint"] = "Nothing runs here. Start it with 'souk up', 'souk provider', 'souk gateway' or 'souk "
            + "indexer'.";
    }

    private static string PortsOf(Ports ports) => string.Join(", ", new[]
    {
        ("gateway", ports.Gateway), ("admin", ports.Admin), ("provider", ports.Provider), ("indexer", ports.Indexer),
        ("chain", ports.Rpc), ("watchtower", ports.Watch),
    }.Where(port => port.Item2 > 0).Select(port => FormattableString.Invariant($"{port.Item1} {port.Item2}")));
}
