using System.Diagnostics;
using System.Text.Json;

namespace Souk.Ledger.Tests.Sqlite;

/// <summary>A small part of the campaign of <c>bench/Ledger boundaries</c>.</summary>
public sealed class LostPowerTests
{
    // An odd seed goes through a checkpoint and a log that begins anew, an even one does not.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Power_lost_at_any_boundary_of_the_writes_loses_no_acknowledged_row(int seed)
    {
        var results = Path.GetTempFileName();
        try
        {
            var start = new ProcessStartInfo("dotnet")
            {
                RedirectStandardError = true,
                ArgumentList =
                {
                    Path.Combine(AppContext.BaseDirectory, "Souk.Ledger.Bench.dll"), "boundaries", results, "1",
                        $"{seed}",
                    "4",
                },
            };
            using var process = Process.Start(start)!;
            var errors = await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();

            Assert.Equal("", errors);
            Assert.Equal(0, process.ExitCode);
            using var told = JsonDocument.Parse(Assert.Single(await File.ReadAllLinesAsync(results)));
            var kinds = told.RootElement.GetProperty("kinds").EnumerateObject().Select(kind => kind.Name).ToList();
            Assert.Equal(seed % 2 == 1, kinds.Contains("checkpoint torn") && kinds.Contains("head"));
            Assert.Contains("torn sector", kinds);
            Assert.True(told.RootElement.GetProperty("boundaries").GetInt32() > 200);
            Assert.True(told.RootElement.GetProperty("flips_refused").GetInt32() > 3);
        }
        finally
        {
            File.Delete(results);
        }
    }
}
