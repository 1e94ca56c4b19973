using Souk.Chain.Bindings;
using Souk.Protocol;

namespace Souk.Chain.Evm;

/// <summary>
/// What a vault takes as its collector data: the arguments of its own <c>encodeDraw</c>, that is, that call without
/// the selector. Somebody else, such as the provider, can then submit the deposit.
/// </summary>
public static class DrawData
{
    private const int SelectorBytes = 4;

    /// <summary>The data for a deposit of a signed draw.</summary>
    public static ReadOnlyMemory<byte> Encode(ChannelConfig channel, DrawAuthorisation draw, Signature signature)
    {
        ArgumentNullException.ThrowIfNull(channel);
        ArgumentNullException.ThrowIfNull(draw);
        var config = ContractCalls.Config(channel);
        var tuple = new DrawAuthorisationTuple(config, draw.Nonce, draw.Deadline, signature.ToBytes());
        return CustomerVaultContract.EncodeEncodeDraw(tuple).AsMemory(SelectorBytes);
    }
}
