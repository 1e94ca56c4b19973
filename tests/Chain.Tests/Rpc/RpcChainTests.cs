using Souk.Chain.Bindings;
using Souk.Chain.Rpc;
using Souk.Chain.Tests.Nodes;
using Souk.Protocol;

namespace Souk.Chain.Tests.Rpc;

public sealed class RpcChainTests : IAsyncLifetime
{
    private static readonly RpcOptions Hurried = new()
    {
        Timeout = TimeSpan.FromSeconds(2),
        FirstPause = TimeSpan.FromMilliseconds(20),
        MaxReplyBytes = 1024 * 1024,
    };

    private AnvilProcess _anvil = null!;

    public async ValueTask InitializeAsync() => _anvil = await AnvilProcess.StartAsync();

    public ValueTask DisposeAsync() => _anvil.DisposeAsync();

    [Theory]
    [InlineData(NodeFault.Dropped)]
    [InlineData(NodeFault.Status500)]
    [InlineData(NodeFault.TooManyRequests)]
    [InlineData(NodeFault.Garbage)]
    [InlineData(NodeFault.Empty)]
    [InlineData(NodeFault.MissingReplies)]
    [InlineData(NodeFault.Slow)]
    [InlineData(NodeFault.Endless)]
    [InlineData(NodeFault.InternalError)]
    [InlineData(NodeFault.OtherChain)]
    public async Task A_broken_node_is_passed_over_and_left_alone_for_a_while(object fault)
    {
        await using var broken = await FaultyNode.StartAsync(_anvil.Url, (NodeFault)fault);
        using var chain = Open(broken.Url, _anvil.Url);

        var first = await chain.NewestAsync(default);
        var asked = broken.Requests;
        var second = await chain.BlocksAsync([0, 0, 1_000_000], default);

        Assert.Equal(0ul, first.Head.Number);
        Assert.Equal(first.Head, second[0]?.Head);
        Assert.Null(second[2]);
        Assert.InRange(asked, 1, 2);
        Assert.Equal(asked, broken.Requests);
    }

    [Fact]
    public async Task A_node_that_recovers_is_used_again_when_it_is_the_only_one()
    {
        await using var node = await FaultyNode.StartAsync(_anvil.Url);
        using var chain = Open(node.Url);
        await chain.NewestAsync(default);
        node.Fault = NodeFault.Status500;

        await Assert.ThrowsAsync<RpcUnavailableException>(() => chain.NewestAsync(default));
        node.Fault = NodeFault.None;

        Assert.Equal(0ul, (await chain.NewestAsync(default)).Head.Number);
    }

    [Fact]
    public async Task A_passing_fault_is_retried_after_a_pause()
    {
        await using var node = await FaultyNode.StartAsync(_anvil.Url);
        var failures = 0;
        node.Rewrite = _ => ++failures <= 2 ? "oops" : null;
        using var chain = Open(node.Url);

        Assert.Equal(0ul, (await chain.NewestAsync(default)).Head.Number);
        Assert.Equal(3, failures - 1);
    }

    [Fact]
    public async Task When_no_node_answers_the_failure_names_hosts_and_reasons_but_no_secrets()
    {
        await using var node = await FaultyNode.StartAsync(_anvil.Url, NodeFault.Status500);
        using var chain = Open(node.Url, new Uri("http://user:password@127.0.0.1:1/key?token=abc"));

        var failure = await Assert.ThrowsAsync<RpcUnavailableException>(() => chain.NewestAsync(default));

        Assert.Contains($"127.0.0.1:{node.Url.Port}: HTTP status 500", failure.Message, StringComparison.Ordinal);
        Assert.Contains("127.0.0.1:1: cannot connect", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("password", failure.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("token", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_nodes_of_another_chain_is_unavailable_and_says_so()
    {
        await using var other = await FaultyNode.StartAsync(_anvil.Url, NodeFault.OtherChain);
        using var chain = Open(other.Url);

        var failure = await Assert.ThrowsAsync<RpcUnavailableException>(() => chain.NewestAsync(default));

        Assert.Contains("it serves chain 1", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_takes_no_batches_is_asked_one_by_one()
    {
        await using var node = await FaultyNode.StartAsync(_anvil.Url, NodeFault.NoBatches);
        using var chain = Open(node.Url);

        var blocks = await chain.BlocksAsync([0, 0, 0], default);

        Assert.Equal(3, blocks.Count(block => block?.Head.Number == 0));
        // One for the chain id, one batch, three alone.
        Assert.Equal(5, node.Requests);
    }

    [Fact]
    public async Task Many_calls_go_in_few_requests()
    {
        await using var node = await FaultyNode.StartAsync(_anvil.Url);
        using var chain = Open(node.Url);

        var blocks = await chain.BlocksAsync([.. Enumerable.Repeat(0ul, 250)], default);

        Assert.Equal(250, blocks.Count);
        // One for the chain id, and 100 + 100 + 50.
        Assert.Equal(4, node.Requests);
    }

    [Fact]
    public async Task A_stale_node_gives_way_to_one_that_knows_a_newer_block()
    {
        await using var node = await FaultyNode.StartAsync(_anvil.Url);
        var old = (await _anvil.CallAsync("eth_getBlockByNumber", "latest", false)).GetRawText()
            .Replace("\"timestamp\":\"0x", "\"timestamp\":\"0x0", StringComparison.Ordinal);
        node.Rewrite = body => body.Contains("latest", StringComparison.Ordinal)
            ? $"{{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{old}}}"
            : null;
        await _anvil.MineAsync(3);
        using var chain = new RpcChain(
            31337, [node.Url, _anvil.Url], Hurried with { StaleHead = TimeSpan.FromSeconds(-1) }, TimeProvider.System);

        Assert.Equal(3ul, (await chain.NewestAsync(default)).Head.Number);
        var asked = node.Requests;
        await chain.BlocksAsync([1], default);
        Assert.Equal(asked, node.Requests);
    }

    [Fact]
    public async Task A_revert_is_an_answer_and_not_asked_again()
    {
        await using var node = await FaultyNode.StartAsync(_anvil.Url);
        using var chain = Open(node.Url);
        // Code that reverts with Error("no"): the revert data is copied from the code's own tail.
        var data = "08c379a0" + Word("20") + Word("2") + "6e6f" + new string('0', 60);
        var target = Address.Parse("0x00000000000000000000000000000000000000aa");
        await _anvil.CallAsync("anvil_setCode", target.ToString(), "0x6064600c60003960646000fd" + data);
        var head = (await chain.NewestAsync(default)).Head;
        var asked = node.Requests;

        var failure = await Assert.ThrowsAsync<CallRevertedException>(() =>
            chain.CallAsync([new EvmCall(target, default)], head, default));

        Assert.Equal(new RevertReason("Error", "Error(\"no\")"), failure.Reason);
        Assert.Equal(asked + 1, node.Requests);
    }

    [Fact]
    public async Task Opening_without_a_chain_id_asks_for_it()
    {
        using var chain = await RpcChain.OpenAsync([_anvil.Url], Hurried, TimeProvider.System, default);

        Assert.Equal(31337ul, chain.ChainId);
    }

    private static string Word(string hex) => hex.PadLeft(64, '0');

    private static RpcChain Open(params Uri[] urls) => new(31337, urls, Hurried, TimeProvider.System);
}
