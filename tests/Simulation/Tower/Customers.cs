using Souk.Chain;
using Souk.Protocol;
using Souk.Testbed;
using Souk.Testbed.Chain;
using Souk.Wire.Paid;

namespace Souk.Simulation.Tower;

/// <summary>A channel, what its provider may claim one after the other, and what the audit knows of it.</summary>
internal sealed class GuardedChannel(ChannelConfig config, Bytes32 id, IReadOnlyList<GuardedClaim> claims)
{
    public ChannelConfig Config { get; } = config;

    public Bytes32 Id { get; } = id;

    public IReadOnlyList<GuardedClaim> Claims { get; } = claims;

    /// <summary>The most that the tower said to hold durably.</summary>
    public Amount Held { get; set; }

    /// <summary>That, when the customer closed the channel.</summary>
    public Amount HeldAtClose { get; set; }

    public bool IsClosed { get; set; }
}

/// <summary>Customers who fund channels from one vault, and take all money back as if nothing were owed.</summary>
internal sealed class Customers(SimulatedScheduler scheduler, SimulatedChain chain)
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(20);
    private static readonly Amount Much = new(1_000_000_000_000);
    private readonly SeededRandomness _random = scheduler.Randomness.Fork("customers");
    private readonly PrivateKey _owner = NextKey(scheduler.Randomness.Fork("owner"));
    private readonly PrivateKey _hot = NextKey(scheduler.Randomness.Fork("hot"));
    private readonly PrivateKey _authorizer = NextKey(scheduler.Randomness.Fork("authorizer"));
    private readonly PrivateKey _payout = NextKey(scheduler.Randomness.Fork("payout"));
    private Address _vault;

    /// <summary>The provider's key that signs claims.</summary>
    public Address Authorizer => _authorizer.Address;

    private EscrowDomain Escrow => chain.Network.EscrowDomain;

    private ulong Now => (ulong)scheduler.Time.GetUtcNow().ToUnixTimeSeconds();

    public static PrivateKey NextKey(SeededRandomness random)
    {
        Span<byte> secret = stackalloc byte[32];
        random.Fill(secret);
        return PrivateKey.FromBytes(secret);
    }

    /// <summary>Funds a channel for each list of totals, deeper than any reorganisation reaches.</summary>
    public async Task<List<GuardedChannel>> OpenAsync(TowerScript script)
    {
        chain.Endow(_owner.Address, Much);
        chain.Endow(_hot.Address, Amount.Zero);
        var settings = new VaultSettings(
            _owner.Address, new VaultLimits(Much, Much, ChannelConfig.MinWithdrawDelay, 2_592_000),
            [new VaultHotKey(_hot.Address, Much)], [], [_payout.Address]);
        _vault = (await chain.VaultAddressAsync(settings, Bytes32.Zero, CancellationToken.None)).Value;
        var owner = chain.Account(_owner);
        _ = (await owner.SubmitAsync(new CreateVault(settings, Bytes32.Zero), CancellationToken.None)).Value;
        _ = (await owner.SubmitAsync(new TransferCurrency(_vault, Much), CancellationToken.None)).Value;
        List<GuardedChannel> channels = [.. script.Totals.Select(totals => Make(totals, script.WithdrawDelay))];
        foreach (var deposit in await Task.WhenAll(channels.Select(DepositAsync)))
        {
            _ = deposit.Value;
        }

        await Task.Delay(
            TimeSpan.FromSeconds(chain.Network.BlockTime * (TowerScript.DeepestReorganisation + 1)), scheduler.Time);
        return channels;
    }

    /// <summary>Closes a channel and takes its money once the delay is over; begins again where blocks were replaced.
    /// </summary>
    public async Task CloseAsync(GuardedChannel channel, TimeSpan after)
    {
        await Task.Delay(after, scheduler.Time);
        (channel.HeldAtClose, channel.IsClosed) = (channel.Held, true);
        var account = chain.Account(_owner);
        while (chain.Channel(channel.Id) is { Available.IsZero: false } state)
        {
            if (state.Withdrawal is not { } pending)
            {
                await account.SubmitAsync(
                    new VaultInitiateWithdraw(_vault, channel.Config, state.Available), CancellationToken.None);
                continue;
            }

            var deadline = pending.InitiatedAt + channel.Config.WithdrawDelay;
            if (Now >= deadline)
            {
                await account.SubmitAsync(
                    new VaultFinalizeWithdraw(_vault, channel.Config), CancellationToken.None);
                continue;
            }

            var left = TimeSpan.FromSeconds(deadline - Now);
            await Task.Delay(left < LookAgain ? left : LookAgain, scheduler.Time);
        }
    }

    private GuardedChannel Make(IReadOnlyList<Amount> totals, uint delay)
    {
        var config = new ChannelConfig(
            _vault, _hot.Address, _payout.Address, _authorizer.Address, chain.Network.Currency, delay,
            _random.NextBytes32());
        var id = config.Id(Escrow);
        return new GuardedChannel(config, id,
        [
            .. totals.Select(total => new GuardedClaim(
                config, Voucher.Sign(_hot, Escrow, id, total), total,
                ClaimBatch.Sign(_authorizer, Escrow, [new ClaimEntry(id, total, total)]))),
        ]);
    }

    private Task<Result<TxOutcome>> DepositAsync(GuardedChannel channel)
    {
        var amount = channel.Claims[^1].Total + new Amount(1 + (UInt128)_random.NextBelow(1_000));
        var draw = new DrawAuthorisation(channel.Id, amount, _random.NextBytes32(), Now + 600);
        var vault = new SoukDomain(chain.Network.ChainId, _vault);
        return chain.Account(_hot).SubmitAsync(
            new DepositFromVault(channel.Config, draw, draw.Sign(_hot, vault)), CancellationToken.None);
    }
}
