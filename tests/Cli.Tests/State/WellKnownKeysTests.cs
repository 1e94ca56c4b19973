using Souk.Chain.Keystore;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Cli.Tests.DevChain;
using Souk.Protocol;
using Souk.Wire.Adapters;

namespace Souk.Cli.Tests.State;

public sealed class WellKnownKeysTests
{
    [Fact]
    public async Task Every_account_that_anvil_starts_with_is_known()
    {
        await using var anvil = await PlainAnvil.StartAsync(31337);
        var accounts = await anvil.CallAsync("eth_accounts");

        Assert.Equal(20, accounts.GetArrayLength());
        Assert.All(
            accounts.EnumerateArray(), account =>
                Assert.True(WellKnownKeys.IsKnown(Address.Parse(account.GetString()!))));
    }

    [Theory]
    [InlineData(31337UL, true)]
    [InlineData(1337UL, true)]
    [InlineData(1UL, false)]
    [InlineData(8453UL, false)]
    [InlineData(null, false)]
    public void A_well_known_key_opens_on_development_chains_only(ulong? chainId, bool isTaken)
    {
        using var folder = new TestFolder();
        var data = new DataDirectory(folder.Path);
        var randomness = new SystemRandomness();
        var onDevelopment = new NodeKeys(data, randomness, 31337);
        Assert.True(onDevelopment.Import("known", WellKnownKeys.Development(31337)).IsOk);

        var opened = new NodeKeys(data, randomness, chainId).Open("known");

        Assert.Equal(isTaken, opened.IsOk);
        Assert.Equal(isTaken, new NodeKeys(data, randomness, chainId).OpenOrCreate("known").IsOk);
        Assert.Equal(
            isTaken, new NodeKeys(data, randomness, chainId).Import("again", WellKnownKeys.Development(31337)).IsOk);
    }

    [Fact]
    public void Any_other_key_opens_everywhere()
    {
        using var folder = new TestFolder();
        var keys = new NodeKeys(new DataDirectory(folder.Path), new SystemRandomness(), 1);

        Assert.True(keys.OpenOrCreate("mine").IsOk);
        Assert.False(WellKnownKeys.IsKnown(keys.Open("mine").Value.Address));
    }

    [Fact]
    public async Task Deploy_refuses_a_well_known_key_on_a_chain_that_is_not_for_development()
    {
        using var folder = new TestFolder();
        using var piped = new PipedScreen();
        await using var anvil = await PlainAnvil.StartAsync(84532);
        using (var known = WellKnownKeys.Development(31337).Value)
        {
            KeystoreFile.Create(folder.In("key.json"), known, "secret", KeystoreCost.Light, new SystemRandomness());
        }

        await File.WriteAllTextAsync(folder.In("password"), "secret\n");
        var code = await piped.RunAsync(
            "deploy", "--rpc", anvil.Url, "--keystore", folder.In("key.json"), "--password-file", folder.In("password"),
            "--currency", "0x036CbD53842c5426634e7929541eC2318f3dCF7e", "--out", folder.In("network.json"),
            "--data", folder.Path);

        Assert.Equal(ExitCodes.Failed, code);
        Assert.Contains("everybody knows", piped.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.In("network.json")));
        var sent = await anvil.CallAsync(
            "eth_getTransactionCount", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "latest");
        Assert.Equal("0x0", sent.GetString());
    }
}
