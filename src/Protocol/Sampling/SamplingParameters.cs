using System.Text.Json.Serialization;

namespace Souk.Protocol;

/// <summary>How tokens are chosen. Zero (for <paramref name="TopP"/>: one) switches a filter off.</summary>
/// <param name="Temperature">0 picks the most likely token; at most 100.</param>
/// <param name="TopP">Probability that the kept tokens reach together, 0 to 1; 1 keeps all.</param>
/// <param name="TopK">How many tokens are kept; 0 keeps all.</param>
/// <param name="MinP">Least probability kept, as a share of the greatest, 0 to 1.</param>
/// <param name="FrequencyPenalty">Taken off a token's logit for each time it is in the output; -100 to 100.</param>
/// <param name="PresencePenalty">Taken off once if it is there at all; -100 to 100.</param>
/// <param name="Seed">The app's seed; null where it gave none.</param>
public sealed record SamplingParameters(
    double Temperature,
    double TopP,
    int TopK,
    double MinP,
    double FrequencyPenalty,
    double PresencePenalty,
    [property: JsonConverter(typeof(NullableInt64TextConverter))] long? Seed)
{
    /// <summary>
    /// The EIP-712 type. Fractions are the bits of an IEEE 754 double; see <see cref="StructHasher.AddBits"/>.
    /// </summary>
    public const string Type = "Sampling(uint64 temperature,uint64 topP,uint32 topK,uint64 minP,"
        + "uint64 frequencyPenalty,uint64 presencePenalty,bool seeded,int64 seed)";

    private const double MaxTemperature = 100;
    private const double MaxPenalty = 100;
    private static readonly Bytes32 TypeHash = Eip712.TypeHash(Type);

    /// <summary>OpenAI's defaults: temperature 1, no filter, no penalty, no seed.</summary>
    public static SamplingParameters Default { get; } = new(1, 1, 0, 0, 0, 0, null);

    /// <summary>The EIP-712 struct hash.</summary>
    public Bytes32 StructHash() => new StructHasher(TypeHash)
        .AddBits(Temperature).AddBits(TopP).Add(TopK).AddBits(MinP).AddBits(FrequencyPenalty).AddBits(PresencePenalty)
        .Add(Seed is not null).AddSigned(Seed ?? 0).Hash();

    /// <summary>What is out of range; null when nothing is.</summary>
    public Refusal? Flaw()
    {
        var problem = this switch
        {
            { Temperature: not (>= 0 and <= MaxTemperature) } => $"temperature must be 0 to {MaxTemperature}.",
            { TopP: not (>= 0 and <= 1) } => "top_p must be 0 to 1.",
            { TopK: < 0 } => "top_k must not be negative.",
            { MinP: not (>= 0 and <= 1) } => "min_p must be 0 to 1.",
            { FrequencyPenalty: not (>= -MaxPenalty and <= MaxPenalty) } =>
                $"frequency_penalty must be -{MaxPenalty} to {MaxPenalty}.",
            { PresencePenalty: not (>= -MaxPenalty and <= MaxPenalty) } =>
                $"presence_penalty must be -{MaxPenalty} to {MaxPenalty}.",
            _ => null,
        };
        return problem is null ? null : new Refusal(Fault.Theirs, "sampling_out_of_range", problem);
    }
}

/// <summary>JSON form of a seed: a decimal string, since it may exceed the 53 bits every JSON reader keeps.</summary>
public sealed class NullableInt64TextConverter : TextConverter<long?>
{
    /// <inheritdoc/>
    protected override string Expected => "a signed 64-bit decimal number";

    /// <inheritdoc/>
    protected override bool TryParse(string text, out long? value)
    {
        var isParsed = long.TryParse(text, System.Globalization.NumberStyles.AllowLeadingSign,
            System.Globalization.CultureInfo.InvariantCulture, out var number);
        value = isParsed ? number : null;
        return isParsed;
    }

    /// <inheritdoc/>
    protected override string Format(long? value) =>
        value!.Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
