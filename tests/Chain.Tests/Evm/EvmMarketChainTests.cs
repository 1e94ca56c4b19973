using Souk.Chain.Evm;
using Souk.Protocol;

namespace Souk.Chain.Tests.Evm;

public sealed class EvmMarketChainTests : IAsyncLifetime
{
    private const ulong Million = MarketFixture.Million;
    private MarketFixture _market = null!;

    public async ValueTask InitializeAsync()
    {
        _market = await MarketFixture.StartAsync();
        await _market.SettleInAsync();
    }

    public ValueTask DisposeAsync() => _market.DisposeAsync();

    [Fact]
    public async Task Money_goes_from_the_vault_through_a_channel_to_the_provider()
    {
        var channel = _market.Channel(1);
        var id = _market.IdOf(channel);

        // The provider sends the gateway's deposit.
        await _market.SubmitAsync(_market.Provider, await _market.DepositAsync(channel, 10 * Million, 1));
        var funded = await ChannelAsync(id);
        Assert.Equal(new ChannelState(id, new Amount(10 * Million), Amount.Zero, null, 0), funded);

        var row = _market.Row(channel, 4 * Million, 3 * Million);
        var authorisation = ClaimBatch.Sign(
            _market.Authorizer,
            _market.Network.EscrowDomain,
            [new ClaimEntry(id, row.Ceiling, row.Total)]);
        await _market.SubmitAsync(_market.Provider, new Claim([row], authorisation));
        Assert.Equal(new Amount(3 * Million), (await ChannelAsync(id)).Claimed);
        Assert.Equal(new Amount(7 * Million), (await ChannelAsync(id)).Available);

        var owed = await _market.Market.ReceiverAsync(_market.Payout, ReadPoint.Newest, default);
        Assert.Equal(new ReceiverState(new Amount(3 * Million), Amount.Zero), owed.Value.Value);
        await _market.SubmitAsync(_market.Provider, new Settle(_market.Payout));
        Assert.Equal(new Amount(3 * Million), await CurrencyAsync(_market.Payout));

        var refund = RefundAuthorisation.Sign(
            _market.Authorizer, _market.Network.EscrowDomain, id, 0, new Amount(2 * Million));
        await _market.SubmitAsync(
            _market.Provider, new Refund(channel, new Amount(2 * Million), new RefundAuthority(0, refund)));
        var refunded = await ChannelAsync(id);
        Assert.Equal(new Amount(8 * Million), refunded.Balance);
        Assert.Equal((UInt128)1, refunded.RefundNonce);
        Assert.Equal(new Amount(92 * Million), await CurrencyAsync(_market.Vault));
    }

    [Fact]
    public async Task Claims_of_single_channels_go_out_together_and_one_that_reverts_is_found_before()
    {
        List<Claim> claims = [];
        List<Bytes32> ids = [];
        for (byte salt = 1; salt <= 3; salt++)
        {
            var channel = _market.Channel(salt);
            await _market.SubmitAsync(_market.Provider, await _market.DepositAsync(channel, 5 * Million, salt));
            var row = _market.Row(channel, 4 * Million, 3 * Million);
            ids.Add(_market.IdOf(channel));
            claims.Add(new Claim([row], ClaimBatch.Sign(
                _market.Authorizer, _market.Network.EscrowDomain, [new ClaimEntry(ids[^1], row.Ceiling, row.Total)])));
        }

        // A third party sends them: it is neither receiver nor authorizer.
        var account = _market.Market.Account(_market.HotKey);
        var bad = claims[1] with { Rows = [claims[1].Rows[0] with { Total = new Amount(4 * Million) }] };
        var tried = await account.QuoteAsync(new ClaimEach([claims[0], bad, claims[2]]), default);
        Assert.Equal("InvalidSignature", ChainRefusals.RevertName(tried.Refusal!));

        await _market.SubmitAsync(_market.HotKey, new ClaimEach(claims));
        foreach (var id in ids)
        {
            Assert.Equal(new Amount(3 * Million), (await ChannelAsync(id)).Claimed);
        }

        // Once more does nothing, and is no error.
        await _market.SubmitAsync(_market.HotKey, new ClaimEach(claims));
        Assert.Equal(new Amount(3 * Million), (await ChannelAsync(ids[0])).Claimed);
    }

    [Fact]
    public async Task A_holder_without_gas_funds_a_vault_and_stakes_by_signature_once()
    {
        var domain = (await _market.Market.CurrencyDomainAsync(default)).Value;
        await _market.SubmitAsync(_market.HotKey, new MintCurrency(_market.Owner.Address, new Amount(9 * Million)));
        var nonce = Bytes32.FromBytes([.. new byte[31], 77]);
        var until = (await _market.Market.HeadAsync(ReadPoint.Newest, default)).Value.Timestamp + 3600;

        var fund = CurrencyOrders.Fund(_market.Owner, domain, _market.Vault, new Amount(4 * Million), nonce, until);
        Assert.False((await _market.Market.IsAuthorisationUsedAsync(_market.Owner.Address, nonce, default)).Value);
        await _market.SubmitAsync(_market.Provider, fund);
        Assert.True((await _market.Market.IsAuthorisationUsedAsync(_market.Owner.Address, nonce, default)).Value);
        Assert.Equal(new Amount(104 * Million), await CurrencyAsync(_market.Vault));
        await _market.RefusedAsync(_market.Provider, fund);

        var stake = CurrencyOrders.Stake(
            _market.Owner, domain, _market.Network.Registry, _market.Provider.Address, new Amount(3 * Million), nonce,
            until);
        await _market.RefusedAsync(_market.HotKey, stake with { Provider = _market.HotKey.Address });
        await _market.SubmitAsync(_market.HotKey, stake);
        var entry = await _market.Market.ProvidersAsync([_market.Provider.Address], ReadPoint.Newest, default);
        Assert.Equal(new Amount(3 * Million), entry.Value.Value[0]!.Stake);
        Assert.Equal(new Amount(2 * Million), await CurrencyAsync(_market.Owner.Address));
        Assert.Equal(
            UInt128.Zero, (await _market.Market.HoldingsAsync(_market.Owner.Address, default)).Value.Value.GasMoney);
    }

    [Fact]
    public async Task A_hot_key_takes_back_what_is_unclaimed_after_the_delay()
    {
        var channel = _market.Channel(2);
        var id = _market.IdOf(channel);
        await _market.SubmitAsync(_market.Provider, await _market.DepositAsync(channel, 5 * Million, 2));

        var begun = await _market.SubmitAsync(
            _market.HotKey, new VaultInitiateWithdraw(_market.Vault, channel, new Amount(5 * Million)));
        var pending = (await ChannelAsync(id)).Withdrawal;
        Assert.Equal(new Amount(5 * Million), pending?.Amount);
        var block = (await _market.Rpc.BlocksAsync([begun.Block], default))[0];
        Assert.Equal(block?.Head.Timestamp, pending?.InitiatedAt);

        var early = await _market.RefusedAsync(_market.HotKey, new VaultFinalizeWithdraw(_market.Vault, channel));
        Assert.Equal("WithdrawDelayNotElapsed", ChainRefusals.RevertName(early));
        await _market.Anvil.CallAsync("evm_increaseTime", "0x384");
        await _market.Anvil.MineAsync();
        await _market.SubmitAsync(_market.HotKey, new VaultFinalizeWithdraw(_market.Vault, channel));

        Assert.Equal(Amount.Zero, (await ChannelAsync(id)).Balance);
        Assert.Equal(new Amount(100 * Million), await CurrencyAsync(_market.Vault));
    }

    [Fact]
    public async Task The_owner_acts_by_signature_without_gas_money()
    {
        var head = (await _market.Market.HeadAsync(ReadPoint.Newest, default)).Value;
        var order = RelayOrders.Sign(
            _market.Owner,
            _market.Network.ChainId,
            _market.Vault,
            [
                new AddHotKey(_market.Vault, _market.Provider.Address, new Amount(7)),
                new ListReceiver(_market.Vault, _market.Payout, true),
                new SetLimits(_market.Vault, new VaultLimits(new Amount(60), new Amount(50), 1000, 2000)),
                new VaultWithdraw(_market.Vault, _market.Network.Currency, new Amount(Million)),
            ],
            Bytes32.FromBytes([.. new byte[31], 7]),
            head.Timestamp + 600);
        await _market.SubmitAsync(_market.Provider, order);

        var vault = (await _market.Market.VaultAsync(_market.Vault, ReadPoint.Newest, default)).Value.Value!;
        Assert.Equal(_market.Owner.Address, vault.Owner);
        Assert.Equal(new VaultLimits(new Amount(60), new Amount(50), 1000, 2000), vault.Limits);
        Assert.Equal([_market.Payout], vault.Receivers);
        Assert.Equal([_market.Network.Registry], vault.Registries);
        Assert.Equal([_market.HotKey.Address, _market.Provider.Address], vault.HotKeys.Select(key => key.Key));
        Assert.Equal(new Amount(Million), await CurrencyAsync(_market.Owner.Address));

        var again = await _market.RefusedAsync(_market.Provider, order);
        Assert.Equal("AuthorisationNonceUsed", ChainRefusals.RevertName(again));
    }

    [Fact]
    public async Task A_contracts_error_is_told_with_its_name_and_values()
    {
        var channel = _market.Channel(3);

        var refusal = await _market.RefusedAsync(
            _market.Provider, await _market.DepositAsync(channel, 31 * Million, 3));

        Assert.Equal("CapExceeded", ChainRefusals.RevertName(refusal));
        Assert.Contains(
            "CapExceeded(kind: 1, amount: 31000000, remaining: 30000000)", refusal.Message, StringComparison.Ordinal);
        var poor = await _market.RefusedAsync(
            _market.Provider, new TransferCurrency(_market.Payout, new Amount(1)));
        Assert.Contains(
            $"ERC20InsufficientBalance(sender: {_market.Provider.Address}, balance: 0, needed: 1)",
            poor.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_registry_is_read_as_it_was_written()
    {
        var entries = await _market.Market.ProvidersAsync(
            [_market.Owner.Address, _market.Provider.Address], ReadPoint.Newest, default);
        Assert.Null(entries.Value.Value[0]);
        var entry = entries.Value.Value[1]!;
        Assert.True(entry.IsActive);
        Assert.Equal(_market.Keys, entry.Current.Keys);
        Assert.Equal("https://provider.example", entry.Endpoint);
        Assert.Equal(60u, entry.Delay);

        await _market.SubmitAsync(_market.HotKey, new MintCurrency(_market.Provider.Address, new Amount(9 * Million)));
        await _market.SubmitAsync(
            _market.Provider, new ApproveCurrency(_market.Network.Registry, new Amount(9 * Million)));
        await _market.SubmitAsync(_market.Provider, new LockStake(_market.Provider.Address, new Amount(9 * Million)));
        await _market.SubmitAsync(_market.Provider, new UnbondStake(new Amount(2 * Million)));
        await _market.SubmitAsync(_market.Provider, new UpdateEndpoint("https://moved.example"));
        var court = Address.Parse("0x00000000000000000000000000000000000000cc");
        await _market.SubmitAsync(_market.Provider, new UpdateCourt(court));
        await _market.SubmitAsync(_market.Provider, new UpdateDelay(30));
        await _market.SubmitAsync(
            _market.Provider, new UpdateKeys(_market.Keys with { Gas = Address.Zero }, NodeProof: null));

        entry = (await _market.Market.AllProvidersAsync(ReadPoint.Newest, default)).Value.Value.Single();
        Assert.Equal(new Amount(7 * Million), entry.Stake);
        Assert.Equal(new Amount(2 * Million), entry.Unbonding);
        Assert.Equal("https://moved.example", entry.Endpoint);
        Assert.Equal((60u, 30u, court), (entry.Delay, entry.NextDelay, entry.NextCourt));
        Assert.Equal(1u, entry.Current.Number);
        var sets = await _market.Market.KeySetsAsync(_market.Provider.Address, ReadPoint.Newest, default);
        Assert.Equal([_market.Provider.Address, Address.Zero], sets.Value.Value.Select(set => set.Keys.Gas));

        await _market.SubmitAsync(_market.Provider, new Leave());
        await _market.Anvil.CallAsync("evm_increaseTime", "0x3c");
        await _market.Anvil.MineAsync();
        await _market.SubmitAsync(_market.HotKey, new ReleaseStake(_market.Provider.Address));
        entry = (await _market.Market.AllProvidersAsync(ReadPoint.Newest, default)).Value.Value.Single();
        Assert.False(entry.IsActive);
        Assert.Equal(new Amount(9 * Million), await CurrencyAsync(_market.Provider.Address));
    }

    [Fact]
    public async Task A_vault_that_the_factory_did_not_make_is_none()
    {
        var read = await _market.Market.VaultAsync(_market.Network.Escrow, ReadPoint.Newest, default);

        Assert.Null(read.Value.Value);
    }

    [Fact]
    public async Task A_quote_is_what_sending_costs_or_why_it_fails()
    {
        var deposit = await _market.DepositAsync(_market.Channel(4), Million, 4);
        var account = _market.Market.Account(_market.Provider);

        var quote = (await account.QuoteAsync(deposit, default)).Value;
        var outcome = await _market.SubmitAsync(_market.Provider, deposit);
        var twice = await account.QuoteAsync(deposit, default);

        Assert.InRange(outcome.GasUsed, quote.Gas / 2, quote.Gas);
        Assert.InRange(outcome.FeePaid, quote.Fee / 2, quote.Fee * 2);
        Assert.Equal("AuthorisationNonceUsed", ChainRefusals.RevertName(twice.Refusal!));
    }

    [Fact]
    public async Task Many_channels_are_read_at_one_block()
    {
        var channels = Enumerable.Range(10, 70).Select(salt => _market.Channel((byte)salt)).ToList();
        await _market.SubmitAsync(_market.Provider, await _market.DepositAsync(channels[66], Million, 5));

        var read = (await _market.Market.ChannelsAsync(
            [.. channels.Select(_market.IdOf)], ReadPoint.Newest, default)).Value;

        Assert.Equal(channels.Select(_market.IdOf), read.Value.Select(state => state.Id));
        Assert.Equal(_market.IdOf(channels[66]), read.Value.Single(state => !state.Balance.IsZero).Id);
    }

    [Fact]
    public async Task Reads_of_a_network_file_with_a_wrong_address_are_refused()
    {
        var wrong = _market.Network with { Escrow = _market.Payout };
        await using var market = new EvmMarketChain(wrong, _market.Rpc, new());

        var read = await market.ChannelsAsync([Bytes32.Zero], ReadPoint.Newest, default);

        Assert.Equal(ChainRefusals.WrongContract, read.Refusal?.Code);
        Assert.Equal(Fault.Ours, read.Refusal?.Fault);
    }

    [Fact]
    public async Task Reads_at_the_confirmed_point_do_not_see_younger_blocks()
    {
        var patient = _market.Network with { Confirmations = 3 };
        await using var market = new EvmMarketChain(patient, _market.Rpc, new());
        var deposit = await _market.DepositAsync(_market.Channel(5), Million, 6);
        var mined = await _market.SubmitAsync(_market.Provider, deposit);
        var id = _market.IdOf(_market.Channel(5));

        async Task<Read<IReadOnlyList<ChannelState>>> ReadAsync(ReadPoint point) =>
            (await market.ChannelsAsync([id], point, default)).Value;

        Assert.False((await ReadAsync(ReadPoint.Newest)).Value[0].Balance.IsZero);
        Assert.True((await ReadAsync(ReadPoint.Confirmed)).Value[0].Balance.IsZero);
        await _market.Anvil.MineAsync(2);
        var confirmed = await ReadAsync(ReadPoint.Confirmed);
        Assert.Equal(mined.Block, confirmed.At.Number);
        Assert.False(confirmed.Value[0].Balance.IsZero);
    }

    private async Task<ChannelState> ChannelAsync(Bytes32 id) =>
        (await _market.Market.ChannelsAsync([id], ReadPoint.Newest, default)).Value.Value[0];

    private async Task<Amount> CurrencyAsync(Address holder) =>
        (await _market.Market.HoldingsAsync(holder, default)).Value.Value.Currency;
}
