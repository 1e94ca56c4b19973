using System.Numerics;

namespace Souk.Protocol;

/// <summary>Prices in smallest units per 1,000,000 tokens.</summary>
/// <param name="Input">Prompt tokens not served from the cache.</param>
/// <param name="Cached">Prompt tokens served from the cache.</param>
/// <param name="Output">Generated tokens.</param>
public sealed record Prices(Amount Input, Amount Cached, Amount Output);

/// <summary>What a request costs.</summary>
public static class Charge
{
    private const ulong TokensPerPrice = 1_000_000;

    /// <summary>ceil((input x p_in + cached x p_cached + output x p_out) / 1,000,000), rounded once.</summary>
    /// <exception cref="OverflowException">The charge does not fit 128 bits; no channel could hold it.</exception>
    public static Amount Of(Prices prices, ulong input, ulong cached, ulong output) =>
        TryOf(prices, input, cached, output) ?? throw new OverflowException("The charge needs more than 128 bits.");

    /// <summary>
    /// As <see cref="Of"/>; null where the charge does not fit 128 bits, as hostile prices may want.
    /// </summary>
    public static Amount? TryOf(Prices prices, ulong input, ulong cached, ulong output)
    {
        ArgumentNullException.ThrowIfNull(prices);
        var (a, b, c) = (prices.Input.Units, prices.Cached.Units, prices.Output.Units);
        if (((a | b | c) >> 62) == 0)
        {
            // Three products of 62 and 64 bits sum to less than 128 bits.
            var sum = (a * input) + (b * cached) + (c * output);
            return new Amount((sum / TokensPerPrice) + (sum % TokensPerPrice == 0 ? UInt128.Zero : UInt128.One));
        }

        var total = ((BigInteger)a * input) + ((BigInteger)b * cached) + ((BigInteger)c * output);
        var units = (total + TokensPerPrice - 1) / TokensPerPrice;
        return units <= (BigInteger)UInt128.MaxValue ? new Amount((UInt128)units) : null;
    }

    /// <summary>
    /// Most output tokens that a request can bring: choices x min(max_tokens, max output, context - prompt).
    /// </summary>
    /// <param name="choices">The request's `n`.</param>
    /// <param name="maxTokens">The app's limit per choice; null where it gave none.</param>
    /// <param name="maxOutput">The offer's limit per choice.</param>
    /// <param name="context">The offer's context, in tokens.</param>
    /// <param name="prompt">Prompt tokens.</param>
    public static ulong WorstCaseOutput(ulong choices, ulong? maxTokens, ulong maxOutput, ulong context, ulong prompt)
    {
        var room = context > prompt ? context - prompt : 0;
        return choices * Math.Min(Math.Min(maxTokens ?? ulong.MaxValue, maxOutput), room);
    }

    /// <summary>The charge when nothing is cached and every choice runs to its limit.</summary>
    /// <exception cref="OverflowException">The charge does not fit 128 bits.</exception>
    public static Amount WorstCase(
        Prices prices, ulong prompt, ulong choices, ulong? maxTokens, ulong maxOutput, ulong context) =>
        Of(prices, prompt, 0, WorstCaseOutput(choices, maxTokens, maxOutput, context, prompt));

    /// <summary>
    /// Most output tokens whose charge, with the prompt's, stays within <paramref name="limit"/>; null where even
    /// the prompt does not fit. Without a price any number fits.
    /// </summary>
    public static ulong? OutputWithin(Prices prices, ulong input, ulong cached, Amount limit)
    {
        ArgumentNullException.ThrowIfNull(prices);
        var total = ((BigInteger)prices.Input.Units * input) + ((BigInteger)prices.Cached.Units * cached);
        var left = ((BigInteger)limit.Units * TokensPerPrice) - total;
        if (left < 0)
        {
            return null;
        }

        if (prices.Output.IsZero)
        {
            return ulong.MaxValue;
        }

        var tokens = left / prices.Output.Units;
        return tokens > ulong.MaxValue ? ulong.MaxValue : (ulong)tokens;
    }
}
