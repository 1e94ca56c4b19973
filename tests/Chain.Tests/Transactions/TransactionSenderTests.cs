using Souk.Chain.Rpc;
using Souk.Chain.Tests.Nodes;
using Souk.Chain.Transactions;
using Souk.Protocol;

namespace Souk.Chain.Tests.Transactions;

public sealed class TransactionSenderTests
{
    private static readonly Address Somebody = Address.Parse("0x00000000000000000000000000000000000000bb");

    private static readonly SenderOptions Hurried = new()
    {
        PollInterval = TimeSpan.FromMilliseconds(50),
        GiveUpAfter = TimeSpan.FromSeconds(40),
    };

    [Fact]
    public async Task Sends_and_returns_the_receipt_with_the_fee_that_was_paid()
    {
        await using var anvil = await AnvilProcess.StartAsync();
        using var chain = anvil.Open();
        using var key = await anvil.FundedKeyAsync(1);
        await using var sender = new TransactionSender(chain, key, Hurried);

        var receipt = (await sender.SendAsync(Somebody, default, 1234, default)).Value;

        var head = (await chain.NewestAsync(default)).Head;
        Assert.Equal(head.Number, receipt.Block);
        Assert.Equal(head.Hash, receipt.BlockHash);
        Assert.Equal(21_000ul, receipt.GasUsed);
        Assert.Equal((UInt128)1234, await chain.BalanceAsync(Somebody, head, default));
        var left = await chain.BalanceAsync(key.Address, head, default);
        Assert.Equal((UInt128)1000 * 1_000_000_000_000_000_000 - 1234 - receipt.Fee, left);
    }

    [Fact]
    public async Task Many_at_once_go_one_after_the_other_in_the_order_asked()
    {
        await using var anvil = await AnvilProcess.StartAsync();
        using var chain = anvil.Open();
        using var key = await anvil.FundedKeyAsync(1);
        await using var sender = new TransactionSender(chain, key, Hurried);

        var sent = await Task.WhenAll(Enumerable.Range(0, 8)
            .Select(i => sender.SendAsync(Somebody, default, (UInt128)i, default)));

        Assert.Equal(
            Enumerable.Range(1, 8).Select(block => (ulong)block), sent.Select(result => result.Value.Block));
    }

    [Fact]
    public async Task A_stuck_transaction_is_replaced_by_one_that_pays_more()
    {
        await using var anvil = await AnvilProcess.StartAsync("--no-mining");
        using var chain = anvil.Open();
        using var key = await anvil.FundedKeyAsync(1);
        await using var sender = new TransactionSender(chain, key, Hurried with { ReplaceAfterBlocks = 2 });
        var sending = sender.SendAsync(Somebody, default, 5, default);
        await Waiting.UntilAsync(async () => await anvil.PendingAsync() == 1, "the transaction is in the pool");
        var first = await PendingHashesAsync(anvil, key);

        // Twenty times the first base fee: what was offered does not reach it.
        await RaiseBaseFeeAsync(anvil, sending, 20_000_000_000);
        var receipt = (await sending).Value;

        Assert.NotEqual(Assert.Single(first), receipt.Transaction.ToString());
        Assert.True(receipt.GasPrice >= 20_000_000_000, $"paid {receipt.GasPrice}");
        Assert.Equal(1ul, await anvil.NumberAsync("eth_getTransactionCount", key.Address.ToString(), "latest"));
    }

    [Fact]
    public async Task Fees_are_never_raised_beyond_the_limit()
    {
        await using var anvil = await AnvilProcess.StartAsync("--no-mining");
        using var chain = anvil.Open();
        using var key = await anvil.FundedKeyAsync(1);
        var options = Hurried with
        {
            ReplaceAfterBlocks = 1, GreatestFee = 5_000_000_000, GiveUpAfter = TimeSpan.FromSeconds(2),
        };
        await using var sender = new TransactionSender(chain, key, options);
        var sending = sender.SendAsync(Somebody, default, 5, default);
        await Waiting.UntilAsync(async () => await anvil.PendingAsync() == 1, "the transaction is in the pool");

        await RaiseBaseFeeAsync(anvil, sending, 20_000_000_000);

        Assert.Equal(ChainRefusals.NotMined, (await sending).Refusal?.Code);
        var next = await sender.SendAsync(Somebody, default, 6, default);
        Assert.Equal(ChainRefusals.GasTooExpensive, next.Refusal?.Code);
    }

    [Fact]
    public async Task A_transaction_that_the_node_forgot_is_sent_again()
    {
        await using var anvil = await AnvilProcess.StartAsync("--no-mining");
        using var chain = anvil.Open();
        using var key = await anvil.FundedKeyAsync(1);
        await using var sender = new TransactionSender(chain, key, Hurried);
        var sending = sender.SendAsync(Somebody, default, 5, default);
        await Waiting.UntilAsync(async () => await anvil.PendingAsync() == 1, "the transaction is in the pool");
        var hash = Assert.Single(await PendingHashesAsync(anvil, key));

        await anvil.CallAsync("anvil_dropTransaction", hash);
        await Waiting.UntilAsync(async () => await anvil.PendingAsync() == 1, "it is in the pool again");
        await anvil.MineAsync();

        Assert.Equal(hash, (await sending).Value.Transaction.ToString());
    }

    [Fact]
    public async Task When_another_took_the_nonce_the_transaction_goes_out_under_the_next()
    {
        await using var anvil = await AnvilProcess.StartAsync("--no-mining");
        using var chain = anvil.Open();
        using var key = await anvil.FundedKeyAsync(1);
        await using var sender = new TransactionSender(chain, key, Hurried);
        var sending = sender.SendAsync(Somebody, default, 5, default);
        await Waiting.UntilAsync(async () => await anvil.PendingAsync() == 1, "the transaction is in the pool");
        var hash = Assert.Single(await PendingHashesAsync(anvil, key));

        await anvil.CallAsync("anvil_dropTransaction", hash);
        await anvil.CallAsync("anvil_setNonce", key.Address.ToString(), "0x7");
        await Waiting.UntilAsync(
            async () =>
            {
                await anvil.MineAsync();
                return sending.IsCompleted;
            },
            "the transaction is mined");

        Assert.NotEqual(hash, (await sending).Value.Transaction.ToString());
        Assert.Equal(8ul, await anvil.NumberAsync("eth_getTransactionCount", key.Address.ToString(), "latest"));
        Assert.Equal((UInt128)5, await BalanceAsync(chain, Somebody));
    }

    [Fact]
    public async Task A_gap_before_the_nonce_is_filled()
    {
        await using var anvil = await AnvilProcess.StartAsync("--no-mining");
        using var chain = anvil.Open();
        using var key = await anvil.FundedKeyAsync(1);
        var earlier = new FeeMarketTransaction(
            31337, 0, 1_000_000_000, 10_000_000_000, 21_000, Somebody, 1, default).Sign(key);
        await anvil.CallAsync("eth_sendRawTransaction", RpcValues.Hex(earlier.Bytes.Span));
        await using var sender = new TransactionSender(chain, key, Hurried with { ReplaceAfterBlocks = 2 });
        var sending = sender.SendAsync(Somebody, default, 5, default);
        await Waiting.UntilAsync(async () => await anvil.PendingAsync() == 2, "both are in the pool");

        // What an earlier run of the process had sent is lost; ours waits behind the hole.
        await anvil.CallAsync("anvil_dropTransaction", earlier.Hash.ToString());
        await Waiting.UntilAsync(
            async () =>
            {
                await anvil.MineAsync();
                return sending.IsCompleted;
            },
            "the transaction is mined");

        Assert.True((await sending).IsOk);
        Assert.Equal(2ul, await anvil.NumberAsync("eth_getTransactionCount", key.Address.ToString(), "latest"));
        Assert.Equal((UInt128)5, await BalanceAsync(chain, Somebody));
    }

    [Fact]
    public async Task A_new_run_queues_behind_what_the_last_one_left_in_the_pool()
    {
        await using var anvil = await AnvilProcess.StartAsync("--no-mining");
        using var chain = anvil.Open();
        using var key = await anvil.FundedKeyAsync(1);
        Task<Result<EvmReceipt>> left;
        await using (var before = new TransactionSender(chain, key, Hurried))
        {
            left = before.SendAsync(Somebody, default, 1, default);
            await Waiting.UntilAsync(async () => await anvil.PendingAsync() == 1, "the first is in the pool");
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        await using var sender = new TransactionSender(chain, key, Hurried);
        var sending = sender.SendAsync(Somebody, default, 4, default);
        await Waiting.UntilAsync(async () => await anvil.PendingAsync() == 2, "both are in the pool");
        await anvil.MineAsync();

        Assert.True((await sending).IsOk);
        Assert.Equal((UInt128)5, await BalanceAsync(chain, Somebody));
    }

    [Fact]
    public async Task A_nonce_that_went_back_is_believed_after_a_while()
    {
        await using var anvil = await AnvilProcess.StartAsync();
        using var chain = anvil.Open();
        using var key = await anvil.FundedKeyAsync(1);
        await using var sender = new TransactionSender(chain, key, Hurried);
        await anvil.CallAsync("anvil_setNonce", key.Address.ToString(), "0x5");
        Assert.True((await sender.SendAsync(Somebody, default, 1, default)).IsOk);

        // As after a development chain is reset to an earlier state.
        await anvil.CallAsync("anvil_setNonce", key.Address.ToString(), "0x2");

        Assert.True((await sender.SendAsync(Somebody, default, 1, default)).IsOk);
        Assert.Equal(3ul, await anvil.NumberAsync("eth_getTransactionCount", key.Address.ToString(), "latest"));
    }

    [Fact]
    public async Task A_call_that_would_revert_is_not_sent()
    {
        await using var anvil = await AnvilProcess.StartAsync();
        using var chain = anvil.Open();
        using var key = await anvil.FundedKeyAsync(1);
        await using var sender = new TransactionSender(chain, key, Hurried);
        await anvil.CallAsync("anvil_setCode", Somebody.ToString(), "0x5f5ffd");

        var refusal = (await sender.SendAsync(Somebody, default, 0, default)).Refusal!;

        Assert.StartsWith(ChainRefusals.Reverted, refusal.Code, StringComparison.Ordinal);
        Assert.Equal(Fault.Ours, refusal.Fault);
        Assert.Equal(0ul, await anvil.NumberAsync("eth_getTransactionCount", key.Address.ToString(), "latest"));
    }

    [Fact]
    public async Task A_transaction_that_reverts_when_mined_is_no_success()
    {
        await using var anvil = await AnvilProcess.StartAsync("--no-mining");
        using var chain = anvil.Open();
        using var key = await anvil.FundedKeyAsync(1);
        await using var sender = new TransactionSender(chain, key, Hurried);
        await anvil.CallAsync("anvil_setCode", Somebody.ToString(), "0x00");
        var sending = sender.SendAsync(Somebody, default, 0, default);
        await Waiting.UntilAsync(async () => await anvil.PendingAsync() == 1, "the transaction is in the pool");

        await anvil.CallAsync("anvil_setCode", Somebody.ToString(), "0x5f5ffd");
        await anvil.MineAsync();
        var refusal = (await sending).Refusal!;

        Assert.StartsWith(ChainRefusals.Reverted, refusal.Code, StringComparison.Ordinal);
        Assert.Contains("in block 1", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(1ul, await anvil.NumberAsync("eth_getTransactionCount", key.Address.ToString(), "latest"));
    }

    [Fact]
    public async Task An_account_without_gas_money_is_told_so()
    {
        await using var anvil = await AnvilProcess.StartAsync();
        using var chain = anvil.Open();
        using var key = PrivateKey.Create(new FixedRandomness(9));
        await using var sender = new TransactionSender(chain, key, Hurried);

        var refusal = (await sender.SendAsync(Somebody, default, 1, default)).Refusal!;

        Assert.Equal(ChainRefusals.NoGasMoney, refusal.Code);
    }

    [Fact]
    public async Task A_node_that_is_away_while_the_transaction_is_mined_delays_the_success_and_no_more()
    {
        await using var anvil = await AnvilProcess.StartAsync("--no-mining");
        await using var node = await FaultyNode.StartAsync(anvil.Url);
        var impatient = new RpcOptions { Rounds = 2, FirstPause = TimeSpan.FromMilliseconds(10) };
        using var chain = new RpcChain(31337, [node.Url], impatient, TimeProvider.System);
        using var key = await anvil.FundedKeyAsync(1);
        await using var sender = new TransactionSender(chain, key, Hurried);
        var sending = sender.SendAsync(Somebody, default, 5, default);
        await Waiting.UntilAsync(async () => await anvil.PendingAsync() == 1, "the transaction is in the pool");

        node.Fault = NodeFault.Dropped;
        await anvil.MineAsync();
        var asked = node.Requests;
        await Waiting.UntilAsync(() => Task.FromResult(node.Requests > asked + 4), "it was asked in vain");
        Assert.False(sending.IsCompleted);
        node.Fault = NodeFault.None;

        Assert.Equal(1ul, (await sending).Value.Block);
    }

    [Fact]
    public async Task A_broadcast_whose_answer_is_lost_is_not_sent_twice()
    {
        await using var anvil = await AnvilProcess.StartAsync();
        await using var node = await FaultyNode.StartAsync(anvil.Url);
        var lost = 0;
        // The node takes the transaction and mines it, and the answer does not arrive.
        node.Rewrite = body =>
        {
            if (!body.Contains("eth_sendRawTransaction", StringComparison.Ordinal) || lost++ > 0)
            {
                return null;
            }

            var raw = System.Text.Json.JsonDocument.Parse(body).RootElement.GetProperty("params")[0].GetString();
            anvil.CallAsync("eth_sendRawTransaction", raw).GetAwaiter().GetResult();
            return "lost";
        };
        using var chain = new RpcChain(
            31337, [node.Url], new RpcOptions { FirstPause = TimeSpan.FromMilliseconds(10) }, TimeProvider.System);
        using var key = await anvil.FundedKeyAsync(1);
        await using var sender = new TransactionSender(chain, key, Hurried);

        Assert.Equal(1ul, (await sender.SendAsync(Somebody, default, 5, default)).Value.Block);
        Assert.True(lost > 1);
        Assert.Equal((UInt128)5, await BalanceAsync(chain, Somebody));
    }

    [Fact]
    public async Task Cancelling_stops_the_waiting_and_the_queue_goes_on()
    {
        await using var anvil = await AnvilProcess.StartAsync("--no-mining");
        using var chain = anvil.Open();
        using var key = await anvil.FundedKeyAsync(1);
        await using var sender = new TransactionSender(chain, key, Hurried);
        using var patience = new CancellationTokenSource();
        var first = sender.SendAsync(Somebody, default, 1, patience.Token);
        await Waiting.UntilAsync(async () => await anvil.PendingAsync() == 1, "the first is in the pool");
        var second = sender.SendAsync(Somebody, default, 2, patience.Token);
        var third = sender.SendAsync(Somebody, default, 4, default);

        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        await Waiting.UntilAsync(
            async () =>
            {
                await anvil.MineAsync();
                return third.IsCompleted;
            },
            "the third is mined");

        // The first had been sent, the second had not.
        Assert.True((await third).IsOk);
        Assert.Equal((UInt128)5, await BalanceAsync(chain, Somebody));
    }

    private static async Task RaiseBaseFeeAsync(AnvilProcess anvil, Task until, ulong wei) =>
        await Waiting.UntilAsync(
            async () =>
            {
                await anvil.CallAsync("anvil_setNextBlockBaseFeePerGas", AnvilProcess.Quantity(wei));
                await anvil.MineAsync();
                return until.IsCompleted;
            },
            "the sending ends");

    private static async Task<List<string>> PendingHashesAsync(AnvilProcess anvil, PrivateKey key)
    {
        var content = await anvil.CallAsync("txpool_content");
        return
        [
            .. content.GetProperty("pending").EnumerateObject()
                .Where(account => Address.Parse(account.Name.ToLowerInvariant()) == key.Address)
                .SelectMany(account => account.Value.EnumerateObject())
                .Select(transaction => transaction.Value.GetProperty("hash").GetString()!),
        ];
    }

    private static async Task<UInt128> BalanceAsync(RpcChain chain, Address address) =>
        await chain.BalanceAsync(address, (await chain.NewestAsync(default)).Head, default);
}
