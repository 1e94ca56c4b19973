using System.Diagnostics;

namespace Souk.Protocol.Tests;

public class ReferenceTests
{
    /// <summary>
    /// The vectors that the other tests read are those of an implementation in another language, which is itself held
    /// to published vectors.
    /// </summary>
    [Fact]
    [Trait("system", "python3")]
    public async Task Vectors_are_what_the_independent_reference_computes()
    {
        var start = new ProcessStartInfo("python3")
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
            ArgumentList = { "-B", Path.Combine(Vectors.Root, "vectors", "check.py") },
        };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception) when (Environment.GetEnvironmentVariable("CI") != "true")
        {
            Assert.Skip("Needs the Debian package python3.");
            return;
        }

        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync() + await errors;
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, output);
        Assert.Contains("14 files checked, 0 failures", output);
    }
}
