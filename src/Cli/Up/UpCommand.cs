using System.Diagnostics.CodeAnalysis;
using Souk.Cli.DevChain;
using Souk.Cli.Output;
using Souk.Cli.State;

namespace Souk.Cli.Up;

/// <summary><c>souk up</c>: runs a whole network until it is told to stop.</summary>
internal static class UpCommand
{
    public static async Task<int> RunAsync(UpRequest request, Screen screen, CancellationToken cancellation)
    {
        var data = new DataDirectory(request.Data);
        if (RunningFile.Find(data, out var left) is { } running)
        {
            screen.Error($"A network already runs on {data.Root} (process {running.Pid}). Stop it with 'souk down', or choose another --data.");
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
            File.Delete(data.Running);
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "The last resort of a program: the person sees a sentence, the log the rest.")]
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
                await Task.WhenAny(stopped, network.ChainExited);
                // Ctrl-C in a terminal reaches the chain's process as well, perhaps a little earlier than this one.
                await Task.WhenAny(stopped, Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, CancellationToken.None));
                if (!cancellation.IsCancellationRequested)
                {
                    screen.Error("The chain has stopped by itself; start again, nothing is lost.");
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
            await File.AppendAllTextAsync(data.Log, failed + Environment.NewLine, CancellationToken.None);
            screen.Error($"{failed.Message} (details in {data.Log})");
            return ExitCodes.Failed;
        }
    }

    /// <summary><c>souk down</c>: asks a running network to stop, and waits until it has.</summary>
    public static async Task<int> DownAsync(string path, Screen screen, CancellationToken cancellation)
    {
        var data = new DataDirectory(path);
        if (RunningFile.Find(data, out _) is not { } running)
        {
            screen.Line($"Nothing runs on {data.Root}.");
            return ExitCodes.NotRunning;
        }

        if (!StopSignal.Send(running.Pid))
        {
            screen.Error($"Process {running.Pid} could not be told to stop; end it yourself.");
            return ExitCodes.Failed;
        }

        var deadline = TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(60);
        while (running.IsAlive())
        {
            if (TimeProvider.System.GetUtcNow() > deadline)
            {
                screen.Error($"Process {running.Pid} has not stopped within a minute.");
                return ExitCodes.Failed;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, cancellation);
        }

        screen.Line("Stopped.");
        return ExitCodes.Ok;
    }
}
