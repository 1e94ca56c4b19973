using Souk.Market.Pricing;
using Souk.OpenAi.Chat;
using Souk.Protocol;

namespace Souk.Provider.Requests;

/// <summary>A request that was read and counted, and the offer that prices it. The prompts are ids; null where only the
/// upstream counts.</summary>
internal sealed record Priced(Offer Offer, Bytes32 OfferHash, ModelForSale Sale, ChatRequest Chat, int[][]? Prompts)
{
    /// <summary>The prompt's tokens, or the bound on them.</summary>
    /// <param name="bodyBytes">Length of the request's body.</param>
    public ulong PromptTokens(int bodyBytes) =>
        (ulong?)Prompts?.Sum(some => (long)some.Length) ?? UncountedWork.MostInput(bodyBytes);

    /// <summary>The most output tokens over all choices. What a bound leaves of the context only the upstream can
    /// tell.</summary>
    public ulong OutputTokens(int bodyBytes) => Charge.WorstCaseOutput(
        (ulong)Chat.Choices, (ulong?)Chat.MaxTokens, (ulong)Offer.MaxOutput, (ulong)Offer.Context,
        Prompts is null ? 0 : PromptTokens(bodyBytes));

    /// <summary>The worst case in money: nothing cached, every choice run to its limit. Null where no number holds
    /// it.</summary>
    public Amount? Price(int bodyBytes) =>
        Charge.TryOf(Offer.Prices, PromptTokens(bodyBytes), 0, OutputTokens(bodyBytes));
}
