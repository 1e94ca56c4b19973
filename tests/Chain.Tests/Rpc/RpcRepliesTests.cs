using System.Text;
using CsCheck;
using Souk.Chain.Rpc;

namespace Souk.Chain.Tests.Rpc;

public sealed class RpcRepliesTests
{
    private static readonly string[] Tokens =
    [
        "{", "}", "[", "]", ",", ":", "\"jsonrpc\"", "\"2.0\"", "\"id\"", "0", "1", "-1", "1e9", "99999999999", "null",
        "true", "\"result\"", "\"error\"", "\"code\"", "\"message\"", "\"data\"", "\"0x\"", "\"0x0\"", "\"0xzz\"",
        "\"\\ud800\"", "\"0x08c379a0\"", "{\"id\":0,\"result\":null}", "{\"id\":1,\"error\":{\"code\":3}}", " ",
    ];

    [Fact]
    public void Replies_are_matched_to_calls_by_id_whatever_their_order()
    {
        var replies = Parse("""[{"id":1,"result":"b"},{"id":0,"result":"a"}]""", 2);

        Assert.Equal("a", replies[0].Result.GetString());
        Assert.Equal("b", replies[1].Result.GetString());
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("null", 1)]
    [InlineData("[]", 1)]
    [InlineData("{}", 1)]
    [InlineData("""{"id":0}""", 1)]
    [InlineData("""{"id":0,"result":1}""", 2)]
    [InlineData("""[{"id":0,"result":1}]""", 2)]
    [InlineData("""[{"id":0,"result":1},{"id":0,"result":1}]""", 2)]
    [InlineData("""[{"id":0,"result":1},{"id":2,"result":1}]""", 2)]
    [InlineData("""[{"id":0,"result":1},{"id":"1","result":1}]""", 2)]
    [InlineData("""[{"id":0,"result":1},7]""", 2)]
    [InlineData("""{"id":0,"error":"broken"}""", 1)]
    [InlineData("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 1)]
    public void A_body_that_does_not_answer_every_call_is_refused(string body, int calls) =>
        Assert.Throws<RpcFormatException>(() => Parse(body, calls));

    [Fact]
    public void One_error_for_a_batch_is_the_whole_batchs()
    {
        var body = Encoding.UTF8.GetBytes("""{"id":null,"error":{"code":-32600,"message":"batches are off"}}""");

        Assert.Empty(RpcReplies.Parse(body, 2, out var error));
        Assert.Equal("batches are off", error?.Message);
    }

    [Fact]
    public void Anything_parses_or_is_refused_with_the_documented_exception() =>
        Gen.Select(Gen.Int[0, Tokens.Length - 1].Array[0, 30], Gen.Int[1, 3]).Sample(
            (picks, calls) =>
            {
                try
                {
                    foreach (var reply in Parse(string.Concat(picks.Select(i => Tokens[i])), calls))
                    {
                        _ = reply.Error?.Kind;
                    }
                }
                catch (RpcFormatException)
                {
                    // The documented refusal.
                }
            },
            iter: 30_000);

    [Fact]
    public void Random_bytes_parse_or_are_refused_with_the_documented_exception() =>
        Gen.Byte.Array[0, 200].Sample(
            bytes =>
            {
                try
                {
                    RpcReplies.Parse(bytes, 1, out _);
                }
                catch (RpcFormatException)
                {
                    // The documented refusal.
                }
            },
            iter: 10_000);

    // Wording and codes as Geth, Erigon, Nethermind, Besu, Hardhat, Anvil and hosted nodes send them.
    [Theory]
    [InlineData(3, "execution reverted: no", "0x08c379a0", "Revert")]
    [InlineData(-32000, "execution reverted", null, "Revert")]
    [InlineData(-32015, "VM execution error.", "0x12345678", "Revert")]
    [InlineData(-32603, "VM Exception while processing transaction: reverted with custom error", null, "Revert")]
    [InlineData(-32000, "nonce too low: next nonce 5, tx nonce 4", null, "Refused")]
    [InlineData(-32000, "replacement transaction underpriced", null, "Refused")]
    [InlineData(-32003, "Insufficient funds for gas * price + value", null, "Refused")]
    [InlineData(-32602, "invalid argument 0: hex string of odd length", null, "Refused")]
    [InlineData(-32000, "header not found", null, "Node")]
    [InlineData(-32000, "missing trie node 1234 (path )", null, "Node")]
    [InlineData(-32001, "Unable to find block", null, "Node")]
    [InlineData(-32005, "daily request count exceeded, request rate limited", null, "Node")]
    [InlineData(-32601, "the method eth_feeHistory does not exist", null, "Node")]
    [InlineData(-32603, "Internal error", null, "Node")]
    [InlineData(-32000, "request timed out", null, "Node")]
    public void Tells_a_revert_from_a_refusal_from_a_broken_node(int code, string message, string? data, string kind)
    {
        var bytes = data is null ? (ReadOnlyMemory<byte>?)null : VectorFiles.Hex(data);

        Assert.Equal(kind, new RpcError(code, message, bytes).Kind.ToString());
    }

    private static RpcReply[] Parse(string body, int calls) =>
        RpcReplies.Parse(Encoding.UTF8.GetBytes(body), calls, out _);
}
