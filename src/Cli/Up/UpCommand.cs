using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Souk.Cli.DevChain;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Protocol;

namespace Souk.Cli.Up;

/// <summary><c>souk up</c>: runs a whole network until it is told to stop.</summary>
internal static class UpCommand
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(90);

    public static async Task<int> RunAsync(UpRequest request, Screen screen, CancellationToken cancellation)
    {
        var data = new DataDirectory(request.Data);
        using var held = data.TryLock("up");
        var running = RunningFile.Find(data, "up", out var left);
        if (running is not null || held is null)
        {
            screen.Error(
                $"A network already runs on {data.Root} (process "
                    + $"{running?.Pid.ToString(CultureInfo.InvariantCulture) ?? "unknown"}). "
                + "Stop it with 'souk down', or choose another --data.");
            return ExitCodes.AlreadyRunning;
        }

        if (left is not null)
        {
            AnvilProcess.EndOrphan(left.AnvilPid, left.AnvilPort);
        }

        if (request.Ports.Problems() is { Count: > 0 } problems)
        {
            foreach (var problem in problems)
            {
                screen.Error(problem);
            }

            return ExitCodes.Failed;
        }

        try
        {
            return await RunAsync(request, data, screen, cancellation);
        }
        finally
        {
            File.Delete(data.Running("up"));
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "The last resort of a program: the person sees a sentence.")]
    private static async Task<int> RunAsync(
        UpRequest request, DataDirectory data, Screen screen, CancellationToken cancellation)
    {
        try
        {
            var started = await Network.StartAsync(request, data, screen, TimeProvider.System, cancellation);
            if (!started.TryGet(out var network, out var refusal))
            {
                screen.Error(refusal.Message);
                return ExitCodes.Failed;
            }

            await using (network)
            {
                var stopped = Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
                var failed = network.FailedAsync();
                await Task.WhenAny(stopped, failed);
                // Ctrl-C in a terminal reaches the chain's process as well, perhaps a little earlier than this one.
                var grace = Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, CancellationToken.None);
                await Task.WhenAny(stopped, grace);
                if (!cancellation.IsCancellationRequested)
                {
                    screen.Error($"The {await failed} has stopped by itself (see {data.Log("up")}); start again, "
                        + "nothing is lost.");
                    return ExitCodes.Failed;
                }

                screen.Line();
                screen.Line("Stopping ...");
            }

            screen.Line("Stopped.");
            return ExitCodes.Ok;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            screen.Line("Stopped before everything was up.");
            return ExitCodes.Ok;
        }
        catch (Exception failed)
        {
            await File.AppendAllTextAsync(data.Log("up"), failed + Environment.NewLine, CancellationToken.None);
            screen.Error($"{failed.Message} (details in {data.Log("up")})");
            return ExitCodes.Failed;
        }
    }

    /// <summary><c>souk down</c>: asks everything that runs on a data folder to stop, and waits until it has.</summary>
    public static async Task<int> DownAsync(string path, Report reply, CancellationToken cancellation)
    {
        var data = new DataDirectory(path);
        var found = RunningFile.All(data);
        foreach (var (role, running) in found)
        {
            if (await StopAsync(role, running, cancellation) is { } refusal)
            {
                return reply.Refuse(refusal);
            }
        }

        reply.Show(
            ("data", data.Root),
            ("stopped", found.Count == 0 ? "nothing ran" : string.Join(", ", found.Select(run => run.Role))));
        return found.Count == 0 ? ExitCodes.NotRunning : ExitCodes.Ok;
    }

    private static async Task<Refusal?> StopAsync(string role, RunningFile running, CancellationToken cancellation)
    {
        if (!StopSignal.Send(running.Pid))
        {
            return new Refusal(
                Fault.Ours, "not_told", $"Process {running.Pid} ({role}) could not be told to stop; end it yourself.");
        }

        var deadline = TimeProvider.System.GetUtcNow() + StopPatience;
        while (running.IsAlive())
        {
            if (TimeProvider.System.GetUtcNow() > deadline)
            {
                return new Refusal(
                    Fault.Nobody, "not_stopped",
                    $"Process {running.Pid} ({role}) has not stopped within {StopPatience.TotalSeconds} s.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, cancellation);
        }

        return null;
    }
}
