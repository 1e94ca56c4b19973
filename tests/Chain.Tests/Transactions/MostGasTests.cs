using Souk.Chain.Rpc;
using Souk.Chain.Tests.Nodes;
using Souk.Chain.Transactions;
using Souk.Protocol;

namespace Souk.Chain.Tests.Transactions;

public sealed class MostGasTests
{
    [Fact]
    public async Task What_takes_more_gas_than_it_may_is_refused_when_its_turn_comes()
    {
        using var key = PrivateKey.Create(new FixedRandomness(1));
        await using var node = await FaultyNode.StartAsync(new Uri("http://127.0.0.1:1"));
        node.Rewrite = body => FaultyNode.Results(
            body, body.Contains("eth_chainId", StringComparison.Ordinal) ? "\"0x7a69\"" : "\"0x7a120\"");
        using var chain = new RpcChain(31337, [node.Url], new RpcOptions { Rounds = 1 }, TimeProvider.System);
        await using var sender = new TransactionSender(chain, key, new SenderOptions());

        var sent = await sender.SendAsync(key.Address, default, 0, default, mostGas: 499_999);
        var quoted = await sender.QuoteAsync(key.Address, default, 0, default, mostGas: 499_999);

        Assert.Equal(ChainRefusals.TooMuchGas, sent.Refusal!.Code);
        Assert.Equal(ChainRefusals.TooMuchGas, quoted.Refusal!.Code);
        Assert.Contains(node.Bodies, body => body.Contains("eth_estimateGas", StringComparison.Ordinal));
        Assert.DoesNotContain(node.Bodies, body => body.Contains("eth_sendRawTransaction", StringComparison.Ordinal));
        // What it may take is enough here; it fails later, at the prices that this node does not know.
        Assert.NotEqual(
            ChainRefusals.TooMuchGas,
            (await sender.QuoteAsync(key.Address, default, 0, default, mostGas: 500_000)).Refusal!.Code);
    }
}
