using System.Diagnostics;

namespace Souk.Bench;

/// <summary>From the command to an answer that is paid on the chain, on an empty data folder and on one that was
/// used.</summary>
internal static class UpTime
{
    public static async Task RunAsync()
    {
        var folder = SoukProcess.NewFolder();
        try
        {
            var port = Places.FivePorts();
            var cold = await OnceAsync(folder, port);
            var warm = await OnceAsync(folder, port);
            Table.Head("'souk up', seconds", "first answer", "settled", "ready");
            Table.Row("cold: contracts, vault and provider are made", cold);
            Table.Row("warm: everything is there", warm);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<double[]> OnceAsync(string folder, int port)
    {
        var start = Stopwatch.GetTimestamp();
        await using var up = SoukProcess.Begin(folder, isQuiet: false, port);
        double[] times = [await WaitAsync("usage"), await WaitAsync("paid out"), await WaitAsync("Ready after")];
        await up.StopAsync();
        return times;

        async Task<double> WaitAsync(string text)
        {
            while (!up.Output.Contains(text, StringComparison.Ordinal))
            {
                if (up.HasExited)
                {
                    throw new InvalidOperationException(up.Output);
                }

                await Task.Delay(20);
            }

            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }
}
