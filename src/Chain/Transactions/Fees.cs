using System.Text.Json;
using System.Text.Json.Nodes;
using Souk.Chain.Rpc;

namespace Souk.Chain.Transactions;

/// <summary>What a transaction offers, in wei per unit of gas (EIP-1559).</summary>
internal readonly record struct Fees(UInt128 BaseFee, UInt128 Tip, UInt128 Cap)
{
    private const int HistoryBlocks = 10;

    /// <summary>Fees that reach the next blocks: the median tip of the last ones, and room for the base fee to double,
    /// which takes it at least six full blocks.</summary>
    public static async Task<Fees> EstimateAsync(
        RpcChain chain, SenderOptions options, CancellationToken cancellation)
    {
        var call = RpcCall.Of(
            "eth_feeHistory",
            static result => NextBaseFee(result) is not null,
            RpcValues.Quantity(HistoryBlocks),
            "latest",
            new JsonArray(50));
        var history = (await chain.SendAsync([call], cancellation))[0];
        var baseFee = NextBaseFee(history) ?? throw RpcChain.Malformed(call.Method);
        var tip = UInt128.Max(MedianTip(RpcValues.Member(history, "reward")), options.LeastTip);
        return new Fees(baseFee, tip, (baseFee * 2) + tip);
    }

    /// <summary>The fees that replace a transaction which offered these: at least an eighth more on both, which is
    /// above every node's threshold, and what the market asks now if that is more.</summary>
    public Fees Replacing(Fees now)
    {
        var tip = UInt128.Max(Raised(Tip), now.Tip);
        return new Fees(now.BaseFee, tip, UInt128.Max(Raised(Cap), (now.BaseFee * 2) + tip));
    }

    /// <summary>A tip so many percent of the usual one, within the greatest fee that is offered.</summary>
    public Fees Hurried(uint percent, UInt128 greatest)
    {
        var tip = UInt128.Min(Tip * percent / 100, greatest > BaseFee ? greatest - BaseFee : 0);
        tip = UInt128.Max(tip, UInt128.Min(Tip, greatest));
        return new Fees(BaseFee, tip, UInt128.Min(Cap - Tip + tip, greatest));
    }

    // The list ends with the fee of the block that comes next.
    private static UInt128? NextBaseFee(JsonElement history)
    {
        var bases = RpcValues.Member(history, "baseFeePerGas");
        return bases.ValueKind == JsonValueKind.Array && bases.GetArrayLength() > 0
            && RpcValues.Quantity(bases.EnumerateArray().Last()) is { } fee && fee <= UInt128.MaxValue >> 64
                ? fee
                : null;
    }

    private static UInt128 Raised(UInt128 fee) => fee + (fee / 8) + 1;

    private static UInt128 MedianTip(JsonElement rewards)
    {
        if (rewards.ValueKind != JsonValueKind.Array)
        {
            return 0;
        }

        var tips = rewards.EnumerateArray()
            .Select(block => block.ValueKind == JsonValueKind.Array && block.GetArrayLength() > 0
                ? RpcValues.Quantity(block[0]) ?? 0
                : 0)
            .Where(tip => tip > 0 && tip <= UInt128.MaxValue >> 64)
            .Order()
            .ToList();
        return tips.Count == 0 ? 0 : tips[tips.Count / 2];
    }
}
