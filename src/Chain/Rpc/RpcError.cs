namespace Souk.Chain.Rpc;

/// <summary>What an error says: about the call, about the request, or about the node.</summary>
internal enum RpcErrorKind
{
    /// <summary>The contract reverted; every node says so.</summary>
    Revert,

    /// <summary>The request itself is refused; the caller decides.</summary>
    Refused,

    /// <summary>This node cannot answer; ask another, or later.</summary>
    Node,
}

/// <summary>A JSON-RPC error object. <paramref name="Data"/> is revert data if the node gave hex, else null.</summary>
internal sealed record RpcError(int Code, string Message, ReadOnlyMemory<byte>? Data)
{
    private const int LongestMessage = 300;

    /// <summary>
    /// Whose trouble it is. EIP-1474 fixes codes for the node's own troubles; reverts and refused transactions are
    /// not standardised, so that clients' wording has to tell (Geth, Erigon, Reth, Nethermind, Besu and Anvil agree on
    /// the words below; code 3 is Geth's for a revert with data).
    /// </summary>
    public RpcErrorKind Kind
    {
        get
        {
            if (Code == 3 || Says("revert") || Data is { Length: >= 4 })
            {
                return RpcErrorKind.Revert;
            }

            if (Says("out of gas") || Says("gas required exceeds") || Says("insufficient funds") || Says("nonce too")
                || Says("underpriced") || Says("already known") || Says("already imported") || Says("intrinsic gas")
                || Says("invalid opcode") || Says("max fee per gas less than"))
            {
                return RpcErrorKind.Refused;
            }

            // No such method, internal error, resource not found, resource unavailable, limit exceeded, HTTP's 429.
            return Code is -32601 or -32603 or -32001 or -32002 or -32005 or 429
                || Says("not found") || Says("unknown block") || Says("missing trie node") || Says("timeout")
                || Says("timed out") || Says("too many requests") || Says("rate limit") || Says("limit exceeded")
                || Says("capacity") || Says("syncing") || Says("temporarily") || Says("unavailable")
                || Says("overloaded") || Says("pruned") || Says("outofrange")
                ? RpcErrorKind.Node
                : RpcErrorKind.Refused;
        }
    }

    /// <summary>The message, cut to a length that a log bears.</summary>
    public string Short => Message.Length <= LongestMessage ? Message : Message[..LongestMessage] + "...";

    /// <summary>Whether the message contains these words, whatever their case.</summary>
    public bool Says(string words) => Message.Contains(words, StringComparison.OrdinalIgnoreCase);
}
