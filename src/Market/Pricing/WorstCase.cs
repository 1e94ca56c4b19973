using Souk.Protocol;

namespace Souk.Market.Pricing;

/// <summary>A request of which the worst case is asked.</summary>
/// <param name="Prices">The offer's, per 1,000,000 tokens.</param>
/// <param name="PromptTokens">The prompt's tokens, or the bound on them where they cannot be counted.</param>
/// <param name="Choices">The request's <c>n</c>, at least 1.</param>
/// <param name="AppLimit">The app's limit on output tokens per choice; null where it gave none, 0 where only the prompt
/// is to be read.</param>
/// <param name="MaxOutput">The offer's limit per choice, in tokens.</param>
/// <param name="Context">The offer's context, in tokens.</param>
/// <param name="LeastSlice">The least output tokens that the offer's slice covers.</param>
/// <param name="Available">The smaller of what is left of the API key's budget and of the channel.</param>
public sealed record WorstCaseQuestion(
    Prices Prices, ulong PromptTokens, ulong Choices, ulong? AppLimit, ulong MaxOutput, ulong Context,
    ulong LeastSlice, Amount Available)
{
    /// <summary>
    /// True where <see cref="PromptTokens"/> is a bound: it prices the prompt, but what room the context leaves only
    /// the upstream can tell.
    /// </summary>
    public bool IsBound { get; init; }

    /// <summary>What the prompt is known to take of the context, in tokens.</summary>
    internal ulong Taken => IsBound ? 0 : PromptTokens;
}

/// <summary>
/// The most that a request can cost: the prompt without any of it cached, and every choice run to its limit.
/// </summary>
/// <param name="PromptTokens">The prompt's tokens.</param>
/// <param name="TokensPerChoice">The limit on output tokens of each choice; it is sent to the provider.</param>
/// <param name="Choices">How many choices.</param>
/// <param name="Cost">What is reserved.</param>
/// <param name="IsLowered">True where the limit was lowered to what the money allows.</param>
public sealed record WorstCase(
    ulong PromptTokens, ulong TokensPerChoice, ulong Choices, Amount Cost, bool IsLowered)
{
    /// <summary>The most choices that one request may ask for.</summary>
    public const ulong MaxChoices = 128;

    /// <summary>The most output tokens over all choices.</summary>
    public ulong OutputTokens => TokensPerChoice * Choices;

    /// <summary>
    /// Works it out. Where the cost is beyond what is available and the app gave no limit, the limit is lowered to
    /// what fits, at least one slice (or the whole answer where that is less).
    /// </summary>
    /// <returns>
    /// The worst case, or a refusal: <c>invalid_choices</c>, <c>context_length_exceeded</c> or
    /// <c>insufficient_funds</c> (HTTP 402).
    /// </returns>
    public static Result<WorstCase> Of(WorstCaseQuestion question)
    {
        ArgumentNullException.ThrowIfNull(question);
        if (question.Choices is 0 or > MaxChoices)
        {
            return Refuse("invalid_choices", $"A request asks for 1 to {MaxChoices} choices.");
        }

        if (question.Taken >= question.Context)
        {
            return Refuse(
                "context_length_exceeded",
                $"The prompt has {question.PromptTokens} tokens and the model's context is {question.Context}. "
                + "Shorten the prompt.");
        }

        var perChoice = Charge.WorstCaseOutput(
            1, question.AppLimit, question.MaxOutput, question.Context, question.Taken);
        var cost = Charge.TryOf(question.Prices, question.PromptTokens, 0, perChoice * question.Choices);
        return cost is { } known && known <= question.Available
            ? new WorstCase(question.PromptTokens, perChoice, question.Choices, known, IsLowered: false)
            : Lower(question, perChoice);
    }

    private static Result<WorstCase> Lower(WorstCaseQuestion question, ulong perChoice)
    {
        var fitting = Charge.OutputWithin(question.Prices, question.PromptTokens, 0, question.Available);
        var least = Math.Min(question.LeastSlice, perChoice * question.Choices);
        var lowered = (fitting ?? 0) / question.Choices;
        if (question.AppLimit is not null || fitting is null || fitting < least || lowered == 0)
        {
            return Refuse(
                "insufficient_funds",
                $"The request may cost more than the {question.Available} smallest units that are available. "
                + (question.AppLimit is null ? "Add to the budget." : "Lower max_tokens or add to the budget."));
        }

        // The whole worst case did not fit, so what fits is below it and its charge is a number.
        var cost = Charge.Of(question.Prices, question.PromptTokens, 0, lowered * question.Choices);
        return new WorstCase(question.PromptTokens, lowered, question.Choices, cost, IsLowered: true);
    }

    private static Refusal Refuse(string code, string message) => new(Fault.Theirs, code, message);
}
