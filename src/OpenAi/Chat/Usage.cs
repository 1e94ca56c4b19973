using System.Text.Json;

namespace Souk.OpenAi.Chat;

/// <summary>Token counts of one answer, all choices together.</summary>
/// <param name="PromptTokens">Prompt tokens, those served from a cache included.</param>
/// <param name="CompletionTokens">Every generated token, reasoning and withheld stop text included.</param>
public sealed record Usage(long PromptTokens, long CompletionTokens)
{
    /// <summary>The part of <see cref="PromptTokens"/> that came from a prefix cache.</summary>
    public long CachedTokens { get; init; }

    /// <summary>The part of <see cref="CompletionTokens"/> that was reasoning.</summary>
    public long ReasoningTokens { get; init; }

    /// <summary>
    /// What was billed, an exact decimal of the whole currency, or null. Written as a raw JSON number.
    /// </summary>
    public string? Cost { get; init; }

    public long TotalTokens => PromptTokens + CompletionTokens;

    public void WriteTo(Utf8JsonWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStartObject();
        writer.WriteNumber("prompt_tokens"u8, PromptTokens);
        writer.WriteNumber("completion_tokens"u8, CompletionTokens);
        writer.WriteNumber("total_tokens"u8, TotalTokens);
        writer.WriteStartObject("prompt_tokens_details"u8);
        writer.WriteNumber("cached_tokens"u8, CachedTokens);
        writer.WriteEndObject();
        writer.WriteStartObject("completion_tokens_details"u8);
        writer.WriteNumber("reasoning_tokens"u8, ReasoningTokens);
        writer.WriteEndObject();
        WriteCost(writer);
        writer.WriteEndObject();
    }

    /// <summary>As embeddings tell it: there is no completion to count.</summary>
    public void WriteInputTo(Utf8JsonWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStartObject();
        writer.WriteNumber("prompt_tokens"u8, PromptTokens);
        writer.WriteNumber("total_tokens"u8, PromptTokens);
        WriteCost(writer);
        writer.WriteEndObject();
    }

    /// <summary>Adds the property <c>cost</c> to an open object where it is known.</summary>
    internal void WriteCost(Utf8JsonWriter writer)
    {
        if (Cost is null)
        {
            return;
        }

        // A double could not hold every amount exactly, so the decimal text goes out as it is.
        if (!IsPlainDecimal(Cost))
        {
            throw new InvalidOperationException($"'{Cost}' is not a plain decimal number.");
        }

        writer.WritePropertyName("cost"u8);
        writer.WriteRawValue(Cost, skipInputValidation: true);
    }

    /// <summary>
    /// JSON's number grammar without exponent: digits without a leading zero, then perhaps a fraction.
    /// </summary>
    internal static bool IsPlainDecimal(string text)
    {
        var digits = text.AsSpan();
        if (digits.StartsWith("-"))
        {
            digits = digits[1..];
        }

        var dot = digits.IndexOf('.');
        var whole = dot < 0 ? digits : digits[..dot];
        var fraction = dot < 0 ? default : digits[(dot + 1)..];
        return whole.Length > 0
            && !whole.ContainsAnyExceptInRange('0', '9')
            && (whole.Length == 1 || whole[0] != '0')
            && (dot < 0 || (fraction.Length > 0 && !fraction.ContainsAnyExceptInRange('0', '9')));
    }
}
