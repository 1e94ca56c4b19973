using System.Text.Json.Serialization;
using Souk.Protocol;

namespace Souk.Ledger.Rows;

/// <summary>What bounds an API key beside its budget; null where nothing does.</summary>
/// <param name="BudgetPerDay">The most that it may be billed on one UTC day.</param>
/// <param name="RequestsPerMinute">At least 1.</param>
/// <param name="TokensPerMinute">Prompt and output together, at least 1.</param>
/// <param name="Models">Public names of the only models that it may use.</param>
/// <param name="MostInputPrice">The dearest input that it may buy, per 1,000,000 tokens; cached input too.</param>
/// <param name="MostOutputPrice">The dearest output that it may buy, per 1,000,000 tokens.</param>
/// <param name="DropsReplies">True keeps no reply to its named requests, so none can be sent again.</param>
public sealed record KeyLimits(
    Amount? BudgetPerDay = null, uint? RequestsPerMinute = null, uint? TokensPerMinute = null,
    IReadOnlyList<string>? Models = null, Amount? MostInputPrice = null, Amount? MostOutputPrice = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool DropsReplies = false)
{
    /// <summary>Nothing beside the budget.</summary>
    public static KeyLimits None { get; } = new();
}
