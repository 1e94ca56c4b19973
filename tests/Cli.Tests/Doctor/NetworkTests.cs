using Souk.Chain;
using Souk.Cli.Doctor;
using Souk.Cli.Roles;
using Souk.Cli.State;
using Souk.Cli.Tests.DevChain;
using Souk.Cli.Up;
using Souk.Cli.Wallet;
using Souk.Protocol;
using Souk.Wire.Http;

namespace Souk.Cli.Tests.Doctor;

/// <summary>What can be wrong with chain, contracts, funds, registration and peers is found on a real chain, and what
/// to do is said.</summary>
public sealed class NetworkTests(DeployedChain chain) : IClassFixture<DeployedChain>, IDisposable
{
    private static readonly CancellationToken Now = CancellationToken.None;
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_network_that_is_right_has_no_problem()
    {
        var data = chain.Data(_folder);
        await DeployedChain.ActAsync(data, async (session, payer) =>
        {
            var bootstrap = new Bootstrap(session, payer);
            Assert.True((await bootstrap.CustomerAsync(Now)).IsOk);
            Assert.Null(await bootstrap.ProviderAsync("http://127.0.0.1:1", Now));
        });
        await chain.MineAsync();
        using var certificates =
            NodeCertificateStore.Open(Path.Combine(data.Root, "certificates"), TimeProvider.System);
        var checks = Checks(data, await ChainTimeAsync());

        var findings = (IReadOnlyList<Finding>)[
            .. await checks.ChainAsync(Now), .. await checks.FundsAsync(Now), .. await checks.EndpointAsync(Now)];

        Assert.All(findings, finding => Assert.True(finding.IsOk, finding.Text));
        Assert.Equal(
            ["chain", "clock and head", "contracts", "gas key", "vault", "vault caps", "registration", "endpoint"],
            findings.Select(finding => finding.Name));
    }

    [Fact]
    public async Task A_chain_that_does_not_answer_is_a_problem()
    {
        var url = FormattableString.Invariant($"http://127.0.0.1:{PlainAnvil.FreePort()}");
        var checks = new NetworkChecks(
            chain.Data(_folder), chain.Network with { RpcUrls = [url] }, TimeProvider.System);

        var found = Assert.Single(await checks.ChainAsync(Now));

        Told.Problem(found, "", $"Is the node at {url} running?");
        Assert.Equal("chain", found.Name);
    }

    [Fact]
    public async Task Addresses_without_the_contracts_and_another_chain_are_a_problem()
    {
        var elsewhere = Address.Parse("0x00000000000000000000000000000000000000aa");
        await chain.MineAsync();
        var wrong = new NetworkChecks(
            chain.Data(_folder), chain.Network with { Escrow = elsewhere }, await ChainTimeAsync());
        var other = new NetworkChecks(
            chain.Data(_folder), chain.Network with { ChainId = 31338 }, await ChainTimeAsync());

        Told.Problem(Told.Of(await wrong.ChainAsync(Now), "contracts"), "", "addresses in the network file");
        Assert.Contains(await other.ChainAsync(Now), finding => !finding.IsOk && finding.Advice is { Length: > 0 });
    }

    [Theory]
    [InlineData(-60, "in this clock's future", "Set this machine's clock")]
    [InlineData(600, "s are allowed", "check NTP")]
    public async Task A_clock_that_is_not_the_chains_is_a_problem(int ahead, string text, string advice)
    {
        await chain.MineAsync();
        var checks = Checks(chain.Data(_folder), await ChainTimeAsync(ahead));

        Told.Problem(Told.Of(await checks.ChainAsync(Now), "clock and head"), text, advice);
    }

    [Theory]
    [InlineData("gas")]
    [InlineData("watch")]
    public async Task A_key_that_sends_and_has_no_gas_money_is_a_problem(string role)
    {
        var data = chain.Data(_folder);
        await DeployedChain.ActAsync(data, (session, _) => Task.FromResult(session.Keys.Create(role).Value));

        var found = Told.Of(await Checks(data).FundsAsync(Now), $"{role} key");

        Told.Problem(found, "has no gas money", "Send it some of the chain's coin");
    }

    [Fact]
    public async Task A_vault_that_is_missing_empty_or_used_up_is_a_problem()
    {
        var data = chain.Data(_folder);
        await DeployedChain.ActAsync(data, async (session, payer) =>
        {
            var settings = VaultCommand.Settings(session.Keys, session.Network, new(0), new(0)).Value;
            var vault = (await session.Chain.VaultAddressAsync(settings, Bytes32.Zero, Now)).Value;
            DataDirectory.Write(data.Vault, vault.ToString());
            Told.Problem(Told.Of(await Checks(data).FundsAsync(Now), "vault"), "is no vault",
                "before money goes there");

            Assert.True((await payer.Account.SubmitAsync(new CreateVault(settings, Bytes32.Zero), Now)).IsOk);
        });

        var findings = await Checks(data).FundsAsync(Now);
        Told.Problem(Told.Of(findings, "vault"), "is empty", "souk wallet deposit");
        Told.Problem(Told.Of(findings, "vault caps"), "used up", "have the owner raise it");
    }

    [Fact]
    public async Task A_provider_that_never_registered_or_has_left_is_a_problem()
    {
        var data = chain.Data(_folder);
        Directory.CreateDirectory(Path.Combine(data.Root, "certificates"));
        await DeployedChain.ActAsync(data, async (session, payer) =>
        {
            var secrets = ProviderSecrets.Open(session.Keys).Value;
            Told.Problem(Told.Of(await Checks(data).EndpointAsync(Now), "registration"), "souk provider register",
                "no gateway buys here");

            var registration = new ProviderRegistration(session, secrets, payer);
            Assert.Null(await registration.EnsureAsync("http://127.0.0.1:1", null, null, Now));
            Assert.True((await registration.DoAsync([new Leave()], Now)).IsOk);
        });
        await chain.LetPassAsync(4_000);

        var left = Told.Of(await Checks(data).EndpointAsync(Now), "registration");
        Told.Problem(left, "has left", "souk provider register");
    }

    [Fact]
    public async Task An_endpoint_that_does_not_answer_or_is_another_node_is_a_problem()
    {
        var data = chain.Data(_folder);
        Directory.CreateDirectory(Path.Combine(data.Root, "certificates"));
        DataDirectory.WriteJson(data.Running("provider"), RunningFile.Current(new Ports(0, 0, 1, 0, 0), 0, 0));
        await using var stranger = new PlainServer("""{"offers":[],"next":null}""");
        var nobody = FormattableString.Invariant($"http://127.0.0.1:{PlainAnvil.FreePort()}");
        await DeployedChain.ActAsync(data, async (session, payer) =>
        {
            var registration = new ProviderRegistration(session, ProviderSecrets.Open(session.Keys).Value, payer);
            Assert.Null(await registration.EnsureAsync(nobody, null, null, Now));
            Told.Problem(Told.Of(await Checks(data).EndpointAsync(Now), "endpoint"), nobody, "forward the port");

            Assert.Null(await registration.EnsureAsync(stranger.Url, null, null, Now));
        });

        Told.Problem(
            Told.Of(await Checks(data).EndpointAsync(Now), "endpoint"), "offers of another certificate",
            "Restart the provider");
    }

    [Fact]
    public async Task An_indexer_that_does_not_answer_or_has_another_time_is_a_problem()
    {
        var nobody = FormattableString.Invariant($"http://127.0.0.1:{PlainAnvil.FreePort()}");
        var time = TimeProvider.System.GetUtcNow();
        await using var right = new PlainServer("""{"heartbeats":[]}""");
        await using var late = new PlainServer("""{"heartbeats":[]}""", time.AddHours(-1));
        var network = chain.Network with { Indexers = [nobody, right.Url, late.Url] };

        var findings = await new NetworkChecks(chain.Data(_folder), network, TimeProvider.System).PeersAsync(Now);

        Assert.Equal([false, true, false], findings.Select(finding => finding.IsOk));
        Told.Problem(findings[0], nobody, "Name another with --indexer");
        Told.Problem(findings[2], "clock is -3", "set this machine's clock");
    }

    private NetworkChecks Checks(DataDirectory data, TimeProvider? time = null) =>
        new(data, chain.Network, time ?? TimeProvider.System);

    // Other tests of this class move the chain's time on; what counts is the difference.
    private async Task<TimeProvider> ChainTimeAsync(int ahead = 0) => new Shifted(
        TimeSpan.FromSeconds(await chain.HeadTimeAsync() + ahead - TimeProvider.System.GetUtcNow()
            .ToUnixTimeSeconds()));

    private sealed class Shifted(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
    }
}
