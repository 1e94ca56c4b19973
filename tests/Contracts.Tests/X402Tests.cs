namespace Souk.Contracts.Tests;

/// <summary>The escrow beside the npm client <c>@x402/evm</c> and the published specification, by node's own test
/// runner.</summary>
public sealed class X402Tests
{
    [Fact]
    public async Task Escrow_agrees_with_the_x402_client_and_lets_it_pay()
    {
        var folder = Path.Combine(Command.Folder, "test", "node");
        if (!File.Exists(Path.Combine(folder, "node_modules", ".package-lock.json")))
        {
            var restored = await Command.RunAsync("npm", folder, "ci", "--ignore-scripts", "--no-audit", "--no-fund");
            Assert.True(restored.ExitCode == 0, restored.Said);
        }

        var outcome = await Command.RunAsync("npm", folder, "test");

        Assert.True(outcome.ExitCode == 0, outcome.Said);
    }
}
