using System.CommandLine;
using System.Net;
using Microsoft.Extensions.Logging;
using Souk.Cli.Hosting;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Cli.Up;
using Souk.Protocol;

namespace Souk.Cli.Roles;

/// <summary>Runs one role as a process of its own until it is told to stop.</summary>
/// <param name="name">The role.</param>
/// <param name="screen">Where it speaks to its owner.</param>
internal sealed class RoleRun(string name, Screen screen)
{
    /// <summary>Where a node listens.</summary>
    public static readonly Option<string> Listen = new("--listen")
    {
        Description = "Address to listen on; 0.0.0.0 for all of the machine's.",
        DefaultValueFactory = static _ => "127.0.0.1",
    };

    /// <summary>What a role needs to start: the session's parts, and things to say.</summary>
    public sealed record Start(NetworkSession Session, Shared Shared, IPAddress Address);

    /// <summary>A role that runs, and fields that tell its owner how to use it.</summary>
    public sealed record Started(RunningRole Role, IReadOnlyList<(string Name, string Value)> Facts);

    /// <summary>Starts, waits, stops in order.</summary>
    public async Task<int> RunAsync(
        NetworkSession session, ParseResult parsed, Ports ports,
        Func<Start, CancellationToken, Task<Result<Started>>> start, CancellationToken cancellation)
    {
        var data = session.Data;
        using var held = data.TryLock(name);
        if (held is null || RunningFile.Find(data, name) is not null)
        {
            screen.Error($"A {name} already runs on {data.Root}. Stop it with 'souk down', or choose another --data.");
            return ExitCodes.AlreadyRunning;
        }

        if (!IPAddress.TryParse(parsed.GetValue(Listen), out var address))
        {
            screen.Error($"'{parsed.GetValue(Listen)}' is no address to listen on; try 127.0.0.1 or 0.0.0.0.");
            return ExitCodes.Usage;
        }

        if (Taken(ports, address) is { Count: > 0 } problems)
        {
            problems.ToList().ForEach(screen.Error);
            return ExitCodes.Failed;
        }

        using var logs = LoggerFactory.Create(builder => builder
            .SetMinimumLevel(LogLevel.Debug)
            .AddProvider(new FileLogs(data.Log(name), LogLevel.Information, session.Time)));
        var shared = new Shared(data, session.Chain, session.Time, session.Randomness, logs);
        if (!(await start(new Start(session, shared, address), cancellation)).TryGet(out var started, out var refusal))
        {
            screen.Error(refusal.Message);
            return ExitCodes.Failed;
        }

        DataDirectory.WriteJson(data.Running(name), RunningFile.Current(ports, 0, 0));
        try
        {
            return await RunAsync(started, data, cancellation);
        }
        finally
        {
            File.Delete(data.Running(name));
        }
    }

    private async Task<int> RunAsync(Started started, DataDirectory data, CancellationToken cancellation)
    {
        var isOurs = false;
        await using (started.Role)
        {
            screen.Heading($"The {name} runs (after {screen.Elapsed()}).");
            foreach (var (fact, value) in started.Facts)
            {
                screen.Field(fact, value);
            }

            screen.Field("log", data.Log(name));
            screen.Line("Stop with Ctrl-C or 'souk down'.");
            var stopped = Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
            await Task.WhenAny(stopped, started.Role.Ended);
            isOurs = cancellation.IsCancellationRequested;
            screen.Line("Stopping ...");
        }

        if (!isOurs)
        {
            screen.Error($"The {name} has stopped by itself; {data.Log(name)} says why.");
            return ExitCodes.Failed;
        }

        screen.Line("Stopped.");
        return ExitCodes.Ok;
    }

    private static IReadOnlyList<string> Taken(Ports ports, IPAddress address) =>
    [
        .. Ports.Problems(
            address, [.. new[]
            {
                ("gateway", ports.Gateway), ("provider", ports.Provider), ("indexer", ports.Indexer),
                ("watchtower", ports.Watch),
            }.Where(port => port.Item2 != 0)]),
        .. Ports.Problems(
            IPAddress.Loopback, [.. new[] { ("owner's door", ports.Admin) }.Where(port => port.Item2 != 0)]),
    ];
}
