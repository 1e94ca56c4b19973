using System.Globalization;
using Souk.Chain;
using Souk.Chain.Deployment;
using Souk.Chain.Evm;
using Souk.Chain.Rpc;
using Souk.Cli.Roles;
using Souk.Cli.State;
using Souk.Cli.Up;
using Souk.Cli.Wallet;
using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Http;
using Souk.Wire.Paid;

namespace Souk.Cli.Doctor;

/// <summary>Checks of the chain, the contracts, the money and the peers.</summary>
internal sealed class NetworkChecks(DataDirectory data, NetworkFile network, TimeProvider time)
{
    private const double MostPeerSkewSeconds = 5;
    private static readonly string[] Senders = ["gas", "watch"];
    private static readonly TimeSpan PeerPatience = TimeSpan.FromSeconds(10);

    // The owner asks about addresses of the owner's own choice.
    private static readonly WireClientOptions Patient = new()
    {
        AllowsPrivateAddresses = true, HeadersTimeout = PeerPatience,
    };

    /// <summary>The chain answers, and its newest block is about as old as this machine's clock says.</summary>
    public async Task<IReadOnlyList<Finding>> ChainAsync(CancellationToken cancellation)
    {
        using var rpc = EvmMarketChain.Open(network, time);
        try
        {
            var head = (await rpc.NewestAsync(cancellation)).Head;
            var age = time.GetUtcNow().ToUnixTimeSeconds() - (long)head.Timestamp;
            var contracts = await NetworkCheck.RunAsync(network, rpc, cancellation);
            return
            [
                Finding.Ok("chain", FormattableString.Invariant($"chain {network.ChainId}, block {head.Number}")),
                Age(age),
                contracts is null
                    ? Finding.Ok("contracts", $"escrow {network.Escrow}, registry {network.Registry}")
                    : Finding.Problem("contracts", contracts.Message, "Check the addresses in the network file, and "
                        + "where it came from."),
            ];
        }
        catch (Exception failed) when (failed is RpcUnavailableException or RpcRefusedException)
        {
            return
            [
                Finding.Problem(
                    "chain", failed.Message,
                    $"Is the node at {string.Join(", ", network.RpcUrls)} running? For a network on this machine "
                        + "start 'souk up'."),
            ];
        }
    }

    /// <summary>Gas money of the keys that send, and the vault's balance and caps.</summary>
    public async Task<IReadOnlyList<Finding>> FundsAsync(CancellationToken cancellation)
    {
        var opened = await NetworkSession.OpenAsync(data.Root, null, time, cancellation);
        if (!opened.TryGet(out var session, out var refusal))
        {
            return [Finding.Problem("funds", refusal.Message, "The money cannot be read until that is put right.")];
        }

        await using (session)
        {
            List<Finding> findings = [];
            // A gateway's transactions are relayed by providers; only a provider's gas key and a watchtower's must have
            // some.
            foreach (var role in Senders.Where(session.Keys.Has))
            {
                findings.Add(await GasAsync(session, role, cancellation));
            }

            if (VaultCommand.Find(session, null).TryGet(out var vault, out _))
            {
                findings.AddRange(await VaultAsync(session, vault, cancellation));
            }

            return findings;
        }
    }

    /// <summary>This node's endpoint, as the registry has it, answers under the certificate that the offer
    /// pins.</summary>
    public async Task<IReadOnlyList<Finding>> EndpointAsync(CancellationToken cancellation)
    {
        var folder = Path.Combine(data.Root, "certificates");
        var opened = await NetworkSession.OpenAsync(data.Root, null, time, cancellation);
        if (!Directory.Exists(folder) || !opened.TryGet(out var session, out _))
        {
            return [];
        }

        await using (session)
        {
            if (!session.Holder("provider").TryGet(out var provider, out _))
            {
                return [];
            }

            var read = await ProviderRegistration.EntryAsync(session, provider, cancellation);
            if (!read.TryGet(out var entry, out var refusal))
            {
                return [Finding.Problem("registration", refusal.Message, "Until then no gateway buys here.")];
            }

            var registered = entry.IsActive
                ? Finding.Ok("registration", $"{provider}, stake {session.Text(entry.Stake)}")
                : Finding.Problem("registration", $"{provider} has left", "Come back with 'souk provider register'.");
            return RunningFile.Find(data, "provider") is null
                ? [registered,
                    Finding.Ok("endpoint", $"{entry.Endpoint} (the provider does not run, so it was not tried)")]
                : [registered, await ReachAsync(folder, entry.Endpoint, cancellation)];
        }
    }

    /// <summary>This machine's clock against the clocks of the indexers.</summary>
    public async Task<IReadOnlyList<Finding>> PeersAsync(CancellationToken cancellation)
    {
        List<Finding> findings = [];
        foreach (var indexer in network.Indexers)
        {
            findings.Add(await ClockAsync(indexer, cancellation));
        }

        return findings;
    }

    private Finding Age(long age) => age switch
    {
        < -5 => Finding.Problem(
            "clock and head", $"the newest block is {-age} s in this clock's future",
            "Set this machine's clock (NTP)."),
        _ when age > network.MaxHeadAge => Finding.Problem(
            "clock and head", $"the newest block is {age} s old, and {network.MaxHeadAge} s are allowed",
            "Either the node has fallen behind, or this machine's clock is wrong: check NTP, then the node."),
        _ => Finding.Ok("clock and head", $"the newest block is {age} s old"),
    };

    private static async Task<Finding> GasAsync(NetworkSession session, string role, CancellationToken cancellation)
    {
        if (!session.Holder(role).TryGet(out var address, out var refusal)
            || !(await session.Chain.HoldingsAsync(address, cancellation)).TryGet(out var held, out refusal))
        {
            return Finding.Problem($"{role} key", refusal.Message, "The key has to open for the node to run.");
        }

        return held.Value.GasMoney > 0
            ? Finding.Ok($"{role} key", $"{address} has {WalletMoney.GasMoney(held.Value.GasMoney)} gas money")
            : Finding.Problem($"{role} key", $"{address} has no gas money", "Send it some of the chain's coin.");
    }

    private static async Task<IReadOnlyList<Finding>> VaultAsync(
        NetworkSession session, Address vault, CancellationToken cancellation)
    {
        var read = await session.Chain.VaultAsync(vault, ReadPoint.Newest, cancellation);
        if (!read.TryGet(out var found, out var refusal))
        {
            return [Finding.Problem("vault", refusal.Message, "Check the network file.")];
        }

        if (found.Value is not { } state)
        {
            return [Finding.Problem("vault", VaultCommand.Missing(vault).Message, "Make it before money goes there.")];
        }

        return
        [
            state.Balance.IsZero
                ? Finding.Problem("vault", $"{vault} is empty", "Fund it with 'souk wallet deposit AMOUNT'.")
                : Finding.Ok("vault", $"{vault} has {session.Text(state.Balance)}"),
            state.Remaining.IsZero
                ? Finding.Problem(
                    "vault caps", "today's cap is used up",
                    "Wait for it to leak back over 24 h, or have the owner raise it.")
                : Finding.Ok(
                    "vault caps", $"{session.Text(state.Remaining)} of {session.Text(state.Limits.Cap)} left for 24 h"),
        ];
    }

    private async Task<Finding> ReachAsync(string folder, string endpoint, CancellationToken cancellation)
    {
        using var certificates = NodeCertificateStore.Open(folder, time);
        using var wire = new HttpWireClient(Patient, time);
        var nodes = new NodeClient(wire, time) { CallTimeout = PeerPatience };
        if (!PeerTarget.Parse(endpoint, certificates.Current.SpkiHash).TryGet(out var target, out var refusal)
            || !(await nodes.GetOffersAsync(target, null, null, cancellation)).TryGet(out var offers, out refusal))
        {
            return Finding.Problem(
                "endpoint", $"{endpoint}: {refusal.Message}",
                "Gateways cannot reach this machine: forward the port, open the firewall, and check that the address "
                    + "is this machine's ('souk provider register --endpoint' changes it).");
        }

        return offers.Offers.Any(offer => offer.Message.SpkiHash == certificates.Current.SpkiHash)
            ? Finding.Ok("endpoint", $"{endpoint} answers, certificate pin {certificates.Current.SpkiHash}")
            : Finding.Problem(
                "endpoint", $"{endpoint} answers with offers of another certificate", "Restart the provider.");
    }

    private async Task<Finding> ClockAsync(string indexer, CancellationToken cancellation)
    {
        const string Name = "indexer";
        const string Advice = "Name another with --indexer, or run one with 'souk indexer'.";
        if (!PeerTarget.ParsePinned(indexer).TryGet(out var target, out var refusal))
        {
            return Finding.Problem(Name, $"{indexer}: {refusal.Message}", Advice);
        }

        using var wire = new HttpWireClient(Patient, time);
        try
        {
            await using var reply = await wire.SendAsync(target, WireRequest.Get(NodePaths.Heartbeats), cancellation);
            if (!DateTimeOffset.TryParse(reply.Headers["date"], CultureInfo.InvariantCulture, out var theirs))
            {
                return Finding.Ok(Name, $"{indexer} answers");
            }

            var skew = (theirs - time.GetUtcNow()).TotalSeconds;
            var text = skew.ToString("0.0", CultureInfo.InvariantCulture);
            return Math.Abs(skew) <= MostPeerSkewSeconds
                ? Finding.Ok(Name, $"{indexer} answers, its clock is {text} s from this one")
                : Finding.Problem(
                    Name, $"{indexer}'s clock is {text} s from this one",
                    "If the chain's head differs too, set this machine's clock (NTP); else theirs is wrong.");
        }
        catch (WireException failed)
        {
            return Finding.Problem(Name, $"{indexer}: {failed.Message}", Advice);
        }
    }
}
