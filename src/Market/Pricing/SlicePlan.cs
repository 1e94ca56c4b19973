using Souk.Protocol;

namespace Souk.Market.Pricing;

/// <summary>
/// The gateway's plan for one request: which ceiling the first voucher signs, and when to raise it by how much, so
/// that never more than a slice is at risk.
/// </summary>
/// <param name="Prices">The offer's, per 1,000,000 tokens.</param>
/// <param name="Base">What the channel's receipts add up to before this request.</param>
/// <param name="PromptTokens">The prompt's tokens, none of them assumed to be cached.</param>
/// <param name="SliceTokens">N: output tokens that a slice covers, over all choices.</param>
/// <param name="OutputTokens">The most output tokens that the request can bring, over all choices.</param>
public sealed record SlicePlan(
    Prices Prices, Amount Base, ulong PromptTokens, ulong SliceTokens, ulong OutputTokens)
{
    /// <summary>How many output tokens a gateway lets a slice cover where it has no reason to choose.</summary>
    public const ulong DefaultSliceTokens = 512;

    /// <summary>Output tokens, over all choices, that may arrive together where nobody reads along: all of them where
    /// the first slice covers them, else few enough for raises to come in time.</summary>
    public ulong Gather => SliceTokens >= OutputTokens ? OutputTokens : SliceTokens / 8;

    /// <summary>N within what the offer allows, and no more than the request can bring.</summary>
    /// <param name="wanted">What the gateway would like, such as <see cref="DefaultSliceTokens"/>.</param>
    /// <param name="least">The offer's least.</param>
    /// <param name="greatest">The offer's greatest, not below the least.</param>
    /// <param name="output">The most output tokens that the request can bring.</param>
    public static ulong TokensFor(ulong wanted, ulong least, ulong greatest, ulong output) =>
        Math.Min(Math.Clamp(wanted, least, greatest), output);

    /// <summary>
    /// The ceiling of the first voucher: base and first slice, or the channel's last ceiling where that is higher,
    /// because a ceiling never falls.
    /// </summary>
    /// <param name="lastCeiling">The channel's highest ceiling signed so far.</param>
    public Amount First(Amount lastCeiling) =>
        Amount.Max(lastCeiling, CeilingFor(Math.Min(SliceTokens, OutputTokens)));

    /// <summary>The output tokens that a ceiling covers; null where not even the prompt is.</summary>
    public ulong? Covered(Amount ceiling) => Coverage.OutputTokens(Prices, Base, ceiling, PromptTokens, 0);

    /// <summary>
    /// The ceiling to raise to, or null while enough is covered: when fewer than N/2 tokens stay covered, to base and
    /// the charge of what was received and N more, never more.
    /// </summary>
    /// <param name="ceiling">The ceiling signed last.</param>
    /// <param name="received">Output tokens received so far, over all choices.</param>
    public Amount? Next(Amount ceiling, ulong received)
    {
        var covered = Covered(ceiling) ?? 0;
        if (covered >= OutputTokens || received >= OutputTokens)
        {
            return null;
        }

        var left = covered > received ? covered - received : 0;
        if (left >= SliceTokens - (SliceTokens / 2))
        {
            return null;
        }

        var raised = CeilingFor(Math.Min(received + SliceTokens, OutputTokens));
        return raised > ceiling ? raised : null;
    }

    private Amount CeilingFor(ulong output) => Base + Charge.Of(Prices, PromptTokens, 0, output);
}
