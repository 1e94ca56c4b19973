using Souk.Protocol;

namespace Souk.Chain.Rpc;

/// <summary>A block's header, as far as it matters here.</summary>
/// <param name="Head">Number, hash and time.</param>
/// <param name="Parent">The block before.</param>
/// <param name="BaseFee">Wei per unit of gas; zero before EIP-1559.</param>
/// <param name="GasLimit">Most gas of a block.</param>
public sealed record EvmBlock(Head Head, Bytes32 Parent, UInt128 BaseFee, ulong GasLimit);

/// <summary>A call that changes nothing.</summary>
public sealed record EvmCall(Address To, ReadOnlyMemory<byte> Data);

/// <summary>A log entry of a block.</summary>
public sealed record EvmLog(Address Contract, IReadOnlyList<Bytes32> Topics, ReadOnlyMemory<byte> Data);

/// <summary>Which logs of a block: any of these contracts, and any of these values in each topic place; an empty
/// place matches everything.</summary>
public sealed record EvmLogFilter(IReadOnlyList<Address> Contracts, IReadOnlyList<IReadOnlyList<Bytes32>> Topics);

/// <summary>That a transaction was mined, and how it ended. Price in wei per unit of gas.</summary>
public sealed record EvmReceipt(
    Bytes32 Transaction, bool Succeeded, ulong Block, Bytes32 BlockHash, ulong GasUsed, UInt128 GasPrice)
{
    /// <summary>Wei paid in all.</summary>
    public UInt128 Fee => GasUsed * GasPrice;
}
