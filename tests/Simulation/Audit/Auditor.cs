using Souk.Ledger;
using Souk.Ledger.Rows;
using Souk.Testbed.Chain;

namespace Souk.Simulation.Audit;

/// <summary>
/// Watches disks, wire, chain, engine and apps of a simulated market, and keeps books of its own. The first thing that
/// may not be ends the run.
/// </summary>
internal sealed class Auditor
{
    private readonly SimulatedChain _chain;
    private readonly TaskCompletionSource _violated = new();
    private readonly UInt128 _supply;

    public Auditor(SimulatedChain chain, Uri provider, ulong sliceTokens)
    {
        _chain = chain;
        _supply = chain.Supply.Units;
        Customer = new CustomerAudit(this, sliceTokens);
        Provider = new ProviderAudit(this);
        Wire = new WireAudit(this, provider);
        chain.Advanced = CheckChain;
    }

    public CustomerAudit Customer { get; }

    public ProviderAudit Provider { get; }

    public WireAudit Wire { get; }

    /// <summary>The first violation.</summary>
    public string? Violation { get; private set; }

    /// <summary>Completes with the first violation.</summary>
    public Task Violated => _violated.Task;

    public long Checks { get; private set; }

    public void Require(bool holds, string violation)
    {
        Checks++;
        if (!holds && Violation is null)
        {
            Violation = violation;
            _violated.SetResult();
        }
    }

    public void SeeCustomer(LedgerRow row) => See(row, Customer.See);

    public void SeeProvider(LedgerRow row) => See(row, Provider.See);

    // A row that contradicts all that came before it is a violation too, whatever it breaks here.
    private void See(LedgerRow row, Action<LedgerEvent> see)
    {
        try
        {
            see(RowCodec.ToEvent(row));
        }
        catch (Exception broken) when (broken is KeyNotFoundException or OverflowException)
        {
            Require(false, $"row {row.Sequence} ({row.Kind}) does not follow: {broken.Message}");
        }
    }

    /// <summary>Money is conserved, and nothing is claimed that was not earned.</summary>
    private void CheckChain()
    {
        Require(_chain.Supply.Units == _supply, "currency was made or lost");
        UInt128 held = 0;
        UInt128 claimed = 0;
        foreach (var (_, state) in _chain.Channels)
        {
            Require(state.Claimed <= state.Balance, "more is claimed of a channel than it holds");
            held += state.Balance.Units - state.Claimed.Units;
            claimed += state.Claimed.Units;
            var earned = Provider.Channels.GetValueOrDefault(state.Id);
            Require(state.Claimed.Units <= (earned?.Base ?? 0), "the provider claimed more than its receipts");
        }

        UInt128 unsettled = 0;
        UInt128 credited = 0;
        foreach (var receiver in _chain.Receivers)
        {
            Require(receiver.Settled <= receiver.Claimed, "more was settled than claimed");
            unsettled += receiver.Claimed.Units - receiver.Settled.Units;
            credited += receiver.Claimed.Units;
        }

        Require(credited == claimed, "receivers are credited with another sum than was claimed");
        Require(
            _chain.BalanceOf(_chain.Network.Escrow).Units == held + unsettled,
            "the escrow holds another sum than it owes");
    }
}
