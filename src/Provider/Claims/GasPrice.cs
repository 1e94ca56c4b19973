using System.Numerics;
using Souk.Market.Claims;
using Souk.Protocol;

namespace Souk.Provider.Claims;

/// <summary>The price of gas in the currency that is earned.</summary>
/// <param name="WeiPerGas">Wei for a unit of gas, tip included.</param>
/// <param name="GasMoneyPrice">Smallest units of the currency for 10^18 wei.</param>
internal sealed record GasPrice(UInt128 WeiPerGas, Amount GasMoneyPrice)
{
    // Measured (docs/guides/costs.md): 36,700 and 19,800 for a claim; somewhat more where each row has its own
    // signature.
    private const ulong GasPerTransaction = 40_000;
    private const ulong GasPerChannel = 25_000;
    private static readonly UInt128 OneGasMoney = 1_000_000_000_000_000_000;

    /// <summary>Gas that costs nothing.</summary>
    public static GasPrice Free { get; } = new(0, Amount.Zero);

    /// <summary>What claims cost.</summary>
    public ClaimCosts Claims => new(Of(GasPerTransaction), Of(GasPerChannel));

    /// <summary>What so many units of gas cost, within what leaves room for sums and factors.</summary>
    public Amount Of(ulong gas) => new((UInt128)BigInteger.Min(
        (BigInteger)WeiPerGas * gas * (BigInteger)GasMoneyPrice.Units / (BigInteger)OneGasMoney,
        (BigInteger)UInt128.MaxValue / (1UL << 40)));

    /// <summary>The wei that so much of the currency is worth; without bound where gas costs nothing.</summary>
    public static UInt128 Wei(Amount worth, Amount gasMoneyPrice) => gasMoneyPrice.IsZero
        ? UInt128.MaxValue
        : (UInt128)BigInteger.Min(
            (BigInteger)worth.Units * (BigInteger)OneGasMoney / (BigInteger)gasMoneyPrice.Units,
            (BigInteger)UInt128.MaxValue);
}
