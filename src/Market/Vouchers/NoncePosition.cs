using Souk.Protocol;

namespace Souk.Market.Vouchers;

/// <summary>Which nonce of a channel's chain belongs to a request index.</summary>
public static class NoncePosition
{
    /// <summary>
    /// The position, 1 to 4096, in the chain that an acceptance fixed: index less the acceptance's index. Null where
    /// the index is not above the acceptance's, or the chain is spent.
    /// </summary>
    public static ulong? Of(ulong acceptanceIndex, ulong index) =>
        index > acceptanceIndex && index - acceptanceIndex <= NonceChain.DefaultLength
            ? index - acceptanceIndex
            : null;
}
