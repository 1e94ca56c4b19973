using Souk.Chain.Bindings;
using Souk.Chain.Rpc;
using Souk.Protocol;

namespace Souk.Chain.Transactions;

/// <summary>The refusals of <see cref="ChainRefusals"/> with their sentences.</summary>
internal static class Refusals
{
    public static Refusal Unavailable(RpcUnavailableException failure) => new(
        Fault.Nobody,
        ChainRefusals.Unavailable,
        $"{failure.Message} Check the RPC URLs in the network file, or wait for the node.");

    public static Refusal Refused(string message) => new(
        Fault.Ours, ChainRefusals.Refused, $"The node refuses the request: {message}");

    public static Refusal Reverted(RevertReason reason, string circumstance) => new(
        Fault.Ours, ChainRefusals.Reverted + reason.Name, $"The contract says {reason.Text}{circumstance}.");

    public static Refusal NoGasMoney(Address from) => new(
        Fault.Ours, ChainRefusals.NoGasMoney, $"{from} cannot pay the gas; send it some of the chain's own coin.");

    public static Refusal TooExpensive(UInt128 price, UInt128 greatest) => new(
        Fault.Nobody,
        ChainRefusals.GasTooExpensive,
        $"Gas costs {price} wei and the configured limit is {greatest}; wait, or raise the limit.");

    public static Refusal TooMuchGas(ulong gas, ulong most) => new(
        Fault.Nobody, ChainRefusals.TooMuchGas,
            $"It takes {gas} gas, and at most {most} are paid for; nothing was sent.");

    public static Refusal NotMined(Bytes32 hash, TimeSpan after) => new(
        Fault.Nobody,
        ChainRefusals.NotMined,
        $"Transaction {hash} was not mined within {after.TotalSeconds:0} s. It still may be: read the state first.");

    public static Refusal NonceTaken(Address from) => new(
        Fault.Ours,
        ChainRefusals.NonceTaken,
        $"Other transactions of {from} keep taking the nonce; is another process using the same key?");

    public static Refusal WrongContract(string what) => new(
        Fault.Ours,
        ChainRefusals.WrongContract,
        $"A contract does not answer as it should ({what}). Check the addresses in the network file.");
}
