using Souk.Chain.Evm;
using Souk.Chain.Rpc;
using Souk.Chain.Tests.Nodes;
using Souk.Chain.Transactions;
using Souk.Protocol;

namespace Souk.Chain.Tests.Rpc;

/// <summary>Nodes that answer in form and lie in content: whatever a method returns, callers see a refusal.</summary>
public sealed class HostileNodeTests
{
    private static readonly string[] Lies =
    [
        "null", "true", "7", "\"\"", "\"0x\"", "\"0x0\"", "\"0xzz\"", "\"\\ud800\"", "{}", "[]", "[[]]", "[{}]",
        "\"0x" + new string('f', 64) + "\"",
        "\"0x" + new string('f', 16) + "\"",
        "\"0x" + new string('f', 65) + "\"",
        "{\"baseFeePerGas\":[]}",
        "{\"baseFeePerGas\":[\"0xffffffffffffffff\"],\"reward\":[[\"0x1\"],7,[],[\"-1\"]]}",
        "{\"baseFeePerGas\":[\"0x" + new string('f', 64) + "\"]}",
        "{\"number\":\"0x1\",\"hash\":\"0x00\"}",
        "{\"number\":\"0xffffffffffffffff\",\"hash\":\"0x" + new string('1', 64) + "\",\"parentHash\":\"0x"
            + new string('2', 64) + "\",\"timestamp\":\"0xffffffffffffffff\",\"gasLimit\":\"0x1\"}",
        "[{\"address\":\"0x" + new string('0', 40) + "\",\"data\":\"0x\",\"topics\":[null]}]",
    ];

    private static readonly NetworkFile Network = new(
        31337, [], Of(1), Of(2), Of(3), Of(4), 6, 0.2, 3, 10, null, null, []);

    [Fact]
    public async Task Whatever_a_node_returns_reads_and_transactions_end_in_a_value_or_a_refusal()
    {
        using var key = PrivateKey.Create(new FixedRandomness(1));
        await using var node = await FaultyNode.StartAsync(new Uri("http://127.0.0.1:1"));
        var lie = "";
        node.Rewrite = body => body.Contains("eth_chainId", StringComparison.Ordinal)
            ? FaultyNode.Results(body, "\"0x7a69\"")
            : FaultyNode.Results(body, lie);
        var options = new RpcOptions { Rounds = 1, StaleHead = TimeSpan.FromSeconds(1) };
        using var chain = new RpcChain(31337, [node.Url, node.Url], options, TimeProvider.System);
        await using var market = new EvmMarketChain(Network, chain, new SenderOptions());

        foreach (var text in Lies)
        {
            lie = text;
            await AnswersAsync(market.HeadAsync(ReadPoint.Confirmed, default));
            await AnswersAsync(market.ChannelsAsync([Bytes32.Zero], ReadPoint.Newest, default));
            await AnswersAsync(market.AllProvidersAsync(ReadPoint.Newest, default));
            await AnswersAsync(market.VaultAsync(Of(5), ReadPoint.Newest, default));
            await AnswersAsync(market.HoldingsAsync(Of(5), default));
            await AnswersAsync(market.Account(key).QuoteAsync(new Leave(), default));
        }

        Assert.True(node.Requests > Lies.Length * 6);
    }

    [Fact]
    public async Task A_node_with_a_real_block_and_lies_about_the_rest_is_refused_too()
    {
        await using var anvil = await AnvilProcess.StartAsync();
        await using var node = await FaultyNode.StartAsync(anvil.Url);
        var lie = "";
        node.Rewrite = body => body.Contains("eth_chainId", StringComparison.Ordinal)
            || body.Contains("eth_getBlockByNumber", StringComparison.Ordinal)
                ? null
                : FaultyNode.Results(body, lie);
        using var chain = new RpcChain(31337, [node.Url], new RpcOptions { Rounds = 1 }, TimeProvider.System);
        await using var market = new EvmMarketChain(Network, chain, new SenderOptions());

        foreach (var text in Lies)
        {
            lie = text;
            await AnswersAsync(market.ChannelsAsync([Bytes32.Zero], ReadPoint.Newest, default));
            await AnswersAsync(market.ProvidersAsync([Of(6)], ReadPoint.Newest, default));
            await AnswersAsync(market.AllProvidersAsync(ReadPoint.Newest, default));
            await AnswersAsync(market.KeySetsAsync(Of(6), ReadPoint.Newest, default));
            await AnswersAsync(market.VaultAsync(Of(5), ReadPoint.Newest, default));
            await AnswersAsync(market.HoldingsAsync(Of(5), default));
        }
    }

    [Fact]
    public async Task A_result_that_is_none_of_the_methods_goes_to_the_next_node()
    {
        await using var anvil = await AnvilProcess.StartAsync();
        await using var node = await FaultyNode.StartAsync(anvil.Url);
        node.Rewrite = body => body.Contains("eth_chainId", StringComparison.Ordinal)
            ? null
            : FaultyNode.Results(body, "{\"number\":\"0x0\"}");
        using var chain = new RpcChain(31337, [node.Url, anvil.Url], new RpcOptions(), TimeProvider.System);

        Assert.Equal(0ul, (await chain.NewestAsync(default)).Head.Number);
    }

    private static async Task AnswersAsync<T>(Task<Result<T>> task)
    {
        var result = await task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(result.IsOk || result.Refusal!.Message.Length > 0);
    }

    private static Address Of(byte last) => Address.FromBytes([.. new byte[19], last]);
}
