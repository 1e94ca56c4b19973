using Souk.Protocol;

namespace Souk.Market.Pricing;

/// <summary>How far a ceiling reaches.</summary>
public static class Coverage
{
    /// <summary>
    /// The most output tokens, over all choices, that a ceiling pays for: the exact inverse of the charge. Null where
    /// not even the prompt is paid for. <see cref="ulong.MaxValue"/> where output is free.
    /// </summary>
    /// <param name="prices">Per 1,000,000 tokens.</param>
    /// <param name="baseCharged">What the channel's receipts add up to before this request.</param>
    /// <param name="ceiling">The cumulative amount promised.</param>
    /// <param name="input">Prompt tokens not served from cache.</param>
    /// <param name="cached">Prompt tokens served from cache.</param>
    public static ulong? OutputTokens(Prices prices, Amount baseCharged, Amount ceiling, ulong input, ulong cached) =>
        ceiling < baseCharged ? null : Charge.OutputWithin(prices, input, cached, ceiling - baseCharged);
}
