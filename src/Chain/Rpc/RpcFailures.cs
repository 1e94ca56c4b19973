namespace Souk.Chain.Rpc;

/// <summary>No node gave a usable answer after all retries. Says which and why, never their whole URLs.</summary>
public sealed class RpcUnavailableException(string message) : Exception(message);

/// <summary>A node understood the request and refused it, and asking others would not change that.</summary>
public sealed class RpcRefusedException(int code, string message) : Exception(message)
{
    /// <summary>The JSON-RPC error code.</summary>
    public int Code { get; } = code;
}

/// <summary>The contract reverted: an answer about the call, not trouble with the node.</summary>
public sealed class CallRevertedException(ReadOnlyMemory<byte> data)
    : Exception(Bindings.ContractErrors.Read(data).Text)
{
    /// <summary>What the contract gave as reason; empty if nothing.</summary>
    public ReadOnlyMemory<byte> RevertData { get; } = data;

    /// <summary>The reason in words.</summary>
    public Bindings.RevertReason Reason { get; } = Bindings.ContractErrors.Read(data);
}

/// <summary>One node failed us; another may not. Never leaves the pool.</summary>
internal sealed class NodeException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A reply that is not JSON-RPC, or no answer to what was asked; the parser's only exception.</summary>
internal sealed class RpcFormatException(string message) : Exception(message);
