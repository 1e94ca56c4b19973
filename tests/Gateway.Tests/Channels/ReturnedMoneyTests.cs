using Souk.Chain;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Protocol;
using Souk.Testbed;
using Souk.Testbed.Chain;
using Souk.Testbed.Market;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Gateway.Tests.Channels;

/// <summary>Channels that are of no more use give their money back to the vault, and others take their place.</summary>
public sealed class ReturnedMoneyTests
{
    private const double Delay = ChannelConfig.MinWithdrawDelay;
    private static readonly MarketOptions OneChannel = new() { WarmChannels = 1, MostChannels = 2 };

    [Fact]
    public void A_drained_channel_is_replaced_and_what_is_left_of_it_goes_back() => MarketHarness.Run(
        OneChannel with { ChannelDeposit = new(1_000) }, async market =>
        {
            var first = Assert.Single(market.Gateway.Book.Channels.Keys);
            await market.WaitAsync(10);
            // 100 units each: after eight, less than a quarter of the deposit is left.
            for (var i = 0; i < 8; i++)
            {
                Assert.Equal(200, (await market.App.ChatAsync(body => body["max_tokens"] = 12)).Status);
            }

            await ReturnsAsync(market, first, new(800));

            Assert.Equal(new Amount(800), market.Account.Spent);
            Assert.Equal(200, (await market.App.ChatAsync(body => body["max_tokens"] = 12)).Status);
        });

    [Fact]
    public void A_hot_key_without_gas_signs_what_another_key_sends() => MarketHarness.Run(
        OneChannel with { HotKeyHasGas = false }, async market =>
        {
            var first = Assert.Single(market.Gateway.Book.Channels.Keys);
            await market.CrashProviderAsync();
            await market.StartProviderAsync(draft => draft.WithdrawDelay = 1_200);

            await ReturnsAsync(market, first, Amount.Zero);

            var hot = await market.Chain.HoldingsAsync(market.Keys.Hot.Address, CancellationToken.None);
            Assert.Equal(UInt128.Zero, hot.Value.Value.GasMoney);
        });

    [Fact]
    public void A_channel_that_is_a_quarter_full_stays() => MarketHarness.Run(
        OneChannel with { ChannelDeposit = new(1_000) }, async market =>
        {
            var first = Assert.Single(market.Gateway.Book.Channels.Keys);
            await market.WaitAsync(10);
            for (var i = 0; i < 7; i++)
            {
                await market.App.ChatAsync(body => body["max_tokens"] = 12);
            }

            await market.WaitAsync(60);

            var channel = market.Gateway.Book.Channels[first];
            Assert.Equal(
                (CustomerChannelState.Idle, false, new Amount(300)),
                (channel.State, channel.IsWithdrawing, channel.Free));
        });

    [Fact]
    public void A_channel_for_terms_that_the_provider_changed_goes_back() => MarketHarness.Run(
        OneChannel, async market =>
        {
            var first = Assert.Single(market.Gateway.Book.Channels.Keys);
            await market.CrashProviderAsync();
            await market.StartProviderAsync(draft => draft.WithdrawDelay = 1_200);

            await ReturnsAsync(market, first, Amount.Zero);

            var open = Assert.Single(
                market.Gateway.Book.Channels.Values, channel => channel.State == CustomerChannelState.Idle);
            Assert.Equal(1_200U, open.Config.WithdrawDelay);
            Assert.Equal(200, (await market.App.ChatAsync()).Status);
        });

    [Fact]
    public void A_spent_nonce_chain_is_renewed_where_the_provider_gives_a_new_one() => MarketHarness.Run(
        OneChannel, async market =>
        {
            var channel = await SpendIndicesAsync(market, (ulong)NonceChain.DefaultLength - 1);
            Assert.Equal(200, (await market.App.ChatAsync()).Status);
            Assert.Equal((ulong)NonceChain.DefaultLength, market.Gateway.Book.Channels[channel].Index);

            await market.WaitAsync(5);
            var reply = await market.App.ChatAsync();

            Assert.Equal(200, reply.Status);
            var renewed = Assert.Single(market.Gateway.Book.Channels.Values);
            Assert.Equal(
                (channel, (ulong)NonceChain.DefaultLength, (ulong)NonceChain.DefaultLength + 1),
                (renewed.Id, renewed.Acceptance!.Index, renewed.Index));
        });

    [Fact]
    public void A_spent_nonce_chain_that_is_not_renewed_sends_the_money_back() => MarketHarness.Run(
        OneChannel, async market =>
        {
            // The provider has seen none of these requests, so to it the chain has room.
            var channel = await SpendIndicesAsync(market, (ulong)NonceChain.DefaultLength);

            await ReturnsAsync(market, channel, Amount.Zero);

            Assert.Equal(200, (await market.App.ChatAsync()).Status);
        });

    [Fact]
    public void A_funded_channel_that_nobody_accepts_goes_back_after_ten_minutes()
    {
        Mute? mute = null;
        MarketHarness.Run(
            OneChannel with { MostChannels = 1, AwaitsChannels = false, Provider = inner => mute = new Mute(inner) },
            async market =>
            {
                await market.UntilAsync(() => market.Gateway.Book.Channels.Count == 1, "the deposit was seen");
                var channel = Assert.Single(market.Gateway.Book.Channels.Values);
                Assert.Equal(CustomerChannelState.Unaccepted, channel.State);
                await market.WaitAsync(9 * 60);
                Assert.Null(market.Chain.Channel(channel.Id).Withdrawal);

                await ReturnsAsync(market, channel.Id, Amount.Zero);

                mute!.IsMute = false;
                await market.UntilAsync(() => market.Gateway.IdleChannels == 1, "the next one is accepted", 400);
                Assert.Equal(200, (await market.App.ChatAsync()).Status);
            });
    }

    [Fact]
    public void A_withdrawal_that_the_owner_began_elsewhere_ends_the_channel() => MarketHarness.Run(
        OneChannel, async market =>
        {
            var channel = Assert.Single(market.Gateway.Book.Channels.Values);
            Assert.True((await market.Chain.Account(market.Keys.VaultOwner).SubmitAsync(
                new VaultInitiateWithdraw(market.Vault, channel.Config, new(1)), CancellationToken.None)).IsOk);
            await market.UntilAsync(
                () => market.Gateway.IdleChannels == 1 && market.Gateway.Book.Channels.Count == 2, "another is open");

            Assert.Equal(200, (await market.App.ChatAsync()).Status);
            Assert.Equal(CustomerChannelState.Withdrawing, market.Gateway.Book.Channels[channel.Id].State);
            // What was asked for elsewhere is not all: the rest follows.
            await market.WaitAsync(Delay + 60);
            await ReturnsAsync(market, channel.Id, Amount.Zero);
        });

    [Fact]
    public void A_withdrawal_that_begins_during_a_request_ends_the_channel_after_it() => MarketHarness.Run(
        OneChannel, async market =>
        {
            var channel = Assert.Single(market.Gateway.Book.Channels.Values);
            market.Engine.Tokens = 400;
            market.Engine.TokenTime = TimeSpan.FromMilliseconds(50);
            var asked = market.App.ChatAsync();
            await market.UntilAsync(
                () => market.Gateway.Book.Channels[channel.Id].State == CustomerChannelState.Busy, "it is asked");
            Assert.True((await market.Chain.Account(market.Keys.VaultOwner).SubmitAsync(
                new VaultInitiateWithdraw(market.Vault, channel.Config, new(1)), CancellationToken.None)).IsOk);
            await asked;

            await market.UntilAsync(
                () => market.Gateway.Book.Channels[channel.Id].State == CustomerChannelState.Withdrawing, "it is out");
        });

    [Fact]
    public void A_closing_that_a_reorganisation_undoes_is_done_again() => MarketHarness.Run(
        OneChannel, async market =>
        {
            var first = Assert.Single(market.Gateway.Book.Channels.Keys);
            await market.CrashProviderAsync();
            await market.StartProviderAsync(draft => draft.WithdrawDelay = 1_200);
            await ReturnsAsync(market, first, Amount.Zero);

            // The block's only transaction is the one that paid the money out, and it is gone for good.
            market.Chain.Reorganise(1, Enumerable.Range(0, 1_000).Select(seed => (ulong)seed)
                .Where(seed => new SeededRandomness(seed).NextDouble() < 0.05)
                .Select(seed => new SeededRandomness(seed)).First());
            Assert.False(market.Chain.Channel(first).Available.IsZero);

            await market.UntilAsync(() => market.Chain.Channel(first).Available.IsZero, "it is paid out again", 60);
            await market.UntilAsync(
                () => market.Gateway.Book.Channels[first].State == CustomerChannelState.Closed, "it is closed");
        });

    [Fact]
    public void A_withdrawal_asked_for_while_the_deposit_is_undone_takes_it_once_it_is_back()
    {
        WatchedChain? node = null;
        MarketHarness.Run(
            OneChannel with { Confirmations = 1, GatewayChain = inner => node = new WatchedChain(inner) },
            async market =>
            {
                var first = Assert.Single(market.Gateway.Book.Channels.Keys);
                node!.Shows = state => state.Id == first ? state with { Balance = Amount.Zero } : state;
                await market.WaitAsync(130);
                Assert.Equal(Amount.Zero, market.Gateway.Book.Channels[first].Deposit);
                var request = WireRequest.Json("POST", $"/admin/v1/channels/{first}/withdraw", "{}"u8.ToArray());
                request.Headers["host"] = "127.0.0.1:7010";
                Assert.Equal(200, (await market.Owner().SendAsync(request)).Status);
                await market.WaitAsync(30);
                node.Shows = null;

                await market.WaitAsync(130);
                await ReturnsAsync(market, first, Amount.Zero);
            });
    }

    /// <summary>The channel's money, less what was claimed, is back in the vault, and the channel is closed.</summary>
    private static async Task ReturnsAsync(MarketHarness market, Bytes32 channel, Amount claimed)
    {
        await market.UntilAsync(() => market.Chain.Channel(channel).Withdrawal is not null, "it is withdrawn", 120);
        await market.UntilAsync(
            () => market.Gateway.Book.Channels[channel].State == CustomerChannelState.Closed, "it is closed", Delay
                + 60);
        var onChain = market.Chain.Channel(channel);
        Assert.Equal((claimed, claimed), (onChain.Balance, onChain.Claimed));
        var locked = market.Gateway.Book.Channels.Values.Where(open => open.Id != channel)
            .Aggregate(Amount.Zero, (sum, open) => sum + market.Chain.Channel(open.Id).Balance);
        Assert.Equal(market.Options.VaultFunds - claimed - locked, market.Chain.BalanceOf(market.Vault));
        Assert.Equal(Amount.Zero, market.Gateway.Book.Losses);
    }

    /// <summary>The gateway's own book after requests that never reached the provider.</summary>
    private static async Task<Bytes32> SpendIndicesAsync(MarketHarness market, ulong index)
    {
        await market.CrashGatewayAsync();
        var channel = Assert.Single(market.Gateway.Book.Channels.Values);
        var request = market.Scheduler.Randomness.Fork("spent").NextRequestId();
        var voucher = Voucher.Sign(market.Keys.Hot, market.Chain.Network.EscrowDomain, channel.Id, new(1));
        await market.RecordForGatewayAsync(
            new VoucherIssued(voucher, request, index, 0, market.Now * 1000),
            new RequestSent(
                request, request, channel.Id, index, Bytes32.Zero, Bytes32.Zero, new string('0', 32), Bytes32.Zero,
                    null,
                1, 1, KeySources.TwoParty, market.Now * 1000),
            new RequestRefused(request, channel.Id, "connect_failed", market.Now * 1000));
        await market.StartGatewayAsync();
        await market.UntilAsync(() => market.Gateway.Offers > 0, "the market is known");
        return channel.Id;
    }

    /// <summary>Relays deposits, but never tells that it took a channel.</summary>
    private sealed class Mute(IWireHandler inner) : IWireHandler
    {
        public bool IsMute { get; set; } = true;

        public async Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
        {
            if (!IsMute || request.Path != NodePaths.Channels)
            {
                await inner.HandleAsync(request, response, aborted);
                return;
            }

            await inner.HandleAsync(request, new Deaf(), aborted);
            throw new IOException("The answer was lost.");
        }
    }

    private sealed class Deaf : IWireResponse
    {
        public ValueTask StartAsync(int status, WireHeaders headers, CancellationToken cancellation) => default;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation) => default;
    }
}
