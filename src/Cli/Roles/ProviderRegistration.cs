using Souk.Chain;
using Souk.Cli.State;
using Souk.Protocol;

namespace Souk.Cli.Roles;

/// <summary>A provider's entry in the registry. Its owner signs and needs no gas; the payer sends.</summary>
internal sealed class ProviderRegistration(NetworkSession session, ProviderSecrets secrets, Payer payer)
{
    /// <summary>Delay of leaving and unbonding where none is given, in seconds: one hour.</summary>
    public const uint DefaultDelay = 3600;

    /// <summary>The entry; a refusal where there is none.</summary>
    public static async Task<Result<ProviderEntry>> EntryAsync(
        NetworkSession session, Address provider, CancellationToken cancellation)
    {
        if (!(await ReadAsync(session, provider, cancellation)).TryGet(out var found, out var refusal))
        {
            return refusal;
        }

        return found.Entry is { } entry
            ? entry
            : new Refusal(
                Fault.Ours, "not_registered",
                $"{provider} is not registered on this network. Do it with 'souk provider register'.");
    }

    /// <summary>Registers, or brings the entry up to date; nothing is sent where it is as it should be.</summary>
    /// <param name="endpoint">Where gateways reach the node.</param>
    /// <param name="delay">Unbonding delay in seconds; null keeps the present one.</param>
    /// <param name="court">Who may slash; null keeps the present one, nobody at first.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public async Task<Refusal?> EnsureAsync(
        string endpoint, uint? delay, Address? court, CancellationToken cancellation)
    {
        if (!(await ReadAsync(session, secrets.Owner.Address, cancellation)).TryGet(out var found, out var refusal))
        {
            return refusal;
        }

        List<MarketAction> actions = [];
        if (found.Entry is not { IsActive: true } entry)
        {
            actions.Add(
                new Register(secrets.Addresses, Proof(), endpoint, delay ?? DefaultDelay, court ?? Address.Zero));
        }
        else
        {
            actions.AddRange(
                entry.Current.Keys == secrets.Addresses ? [] : [new UpdateKeys(secrets.Addresses, Proof())]);
            actions.AddRange(entry.Endpoint == endpoint ? [] : [new UpdateEndpoint(endpoint)]);
            actions.AddRange(
                delay is { } wait && wait != entry.Delay && wait != entry.NextDelay ? [new UpdateDelay(wait)] : []);
            actions.AddRange(
                court is { } judge && judge != entry.Court && judge != entry.NextCourt ? [new UpdateCourt(judge)] : []);
        }

        if (found.Entry is { } old && old.Current.Keys.Payout != secrets.Payout.Address
            && await SettleAsync(old.Current.Keys.Payout, cancellation) is { } unpaid)
        {
            return unpaid;
        }

        return actions.Count == 0 ? null : (await DoAsync(actions, cancellation)).Refusal;
    }

    // Before the payout changes the old one is paid what was claimed for it.
    private async Task<Refusal?> SettleAsync(Address payout, CancellationToken cancellation)
    {
        var read = await session.Chain.ReceiverAsync(payout, ReadPoint.Newest, cancellation);
        return !read.TryGet(out var receiver, out var refusal) ? refusal
            : receiver.Value.Claimed == receiver.Value.Settled ? null
            : (await payer.Account.SubmitAsync(new Settle(payout), cancellation)).Refusal;
    }

    /// <summary>Does what the owner signs.</summary>
    public Task<Result<TxOutcome>> DoAsync(IReadOnlyList<MarketAction> actions, CancellationToken cancellation) =>
        session.RelayAsync(secrets.Owner, session.Network.Registry, actions, payer, cancellation);

    private Signature Proof() => NodeKeyProof.Sign(
        secrets.Node, new SoukDomain(session.Network.ChainId, session.Network.Registry), secrets.Owner.Address);

    private static async Task<Result<Found>> ReadAsync(
        NetworkSession session, Address provider, CancellationToken cancellation)
    {
        var read = await session.Chain.ProvidersAsync([provider], ReadPoint.Newest, cancellation);
        return read.TryGet(out var entries, out var refusal) ? new Found(entries.Value[0]) : refusal;
    }

    private sealed record Found(ProviderEntry? Entry);
}
