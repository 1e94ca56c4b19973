using System.Diagnostics;
using Souk.Protocol;

namespace Souk.Simulation.Market;

public sealed class OneRunTests
{
    private const string FileVariable = "SOUK_TRACE_FILE";
    private const ulong Seed = 20260101;

    [Fact]
    public void The_same_seed_gives_the_same_market_ninety_times_here()
    {
        var first = OneRun.Trace(Seed);

        for (var i = 1; i < 90; i++)
        {
            Assert.Equal(first, OneRun.Trace(Seed));
        }
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_market_ten_times_in_fresh_processes()
    {
        var here = OneRun.Trace(Seed);

        for (var i = 0; i < 5; i++)
        {
            var elsewhere = await Task.WhenAll(TraceOfAnotherProcessAsync(), TraceOfAnotherProcessAsync());
            Assert.All(elsewhere, hash => Assert.Equal(here, hash));
        }
    }

    [Fact]
    public void Other_seeds_give_other_markets_whose_money_adds_up_as_well()
    {
        var traces = Enumerable.Range(1, 20).Select(seed => OneRun.Trace((ulong)seed)).ToHashSet();

        Assert.Equal(20, traces.Count);
    }

    /// <summary>Runs once, and where another process asks for it writes the trace down.</summary>
    [Fact]
    public async Task A_process_can_tell_its_trace()
    {
        var hash = OneRun.Trace(Seed);

        Assert.NotEqual(Bytes32.Zero, hash);
        if (Environment.GetEnvironmentVariable(FileVariable) is { } file)
        {
            await File.WriteAllTextAsync(file, hash.ToString());
        }
    }

    private static async Task<Bytes32> TraceOfAnotherProcessAsync()
    {
        var file = Path.GetTempFileName();
        try
        {
            var program = Path.ChangeExtension(
                typeof(OneRunTests).Assembly.Location, OperatingSystem.IsWindows() ? ".exe" : null);
            var start = new ProcessStartInfo(program)
            {
                ArgumentList = { "-method", $"{typeof(OneRunTests).FullName}.{nameof(A_process_can_tell_its_trace)}" },
                Environment = { [FileVariable] = file },
                RedirectStandardOutput = true,
            };
            using var process = Process.Start(start)!;
            var output = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode == 0, output);
            return Bytes32.Parse(await File.ReadAllTextAsync(file));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
