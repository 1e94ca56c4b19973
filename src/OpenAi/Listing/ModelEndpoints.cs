using System.Text.Json;

namespace Souk.OpenAi.Listing;

/// <summary>One provider's offer of a model, as OpenRouter shows an endpoint.</summary>
/// <param name="Provider">The provider's name.</param>
/// <param name="Tag">What an app may give as <c>model</c> to get just this one.</param>
public sealed record ModelEndpoint(string Provider, string Tag, ModelPricing Pricing)
{
    public string ModelName { get; init; } = "";

    /// <summary>Tokens of prompt and answer together.</summary>
    public long ContextLength { get; init; }

    public long MaxOutput { get; init; }

    /// <summary>The provider's own words for weight and cache types; shown as <c>quantization</c>.</summary>
    public string Numerics { get; init; } = "";

    public string Region { get; init; } = "";

    public string Hardware { get; init; } = "";

    public string DataPolicy { get; init; } = "";

    public string TrustTier { get; init; } = "";

    public IReadOnlyList<string> SupportedParameters { get; init; } = [];

    public void WriteTo(Utf8JsonWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStartObject();
        writer.WriteString("name"u8, $"{Provider} | {ModelName}");
        writer.WriteString("model_name"u8, ModelName);
        writer.WriteString("provider_name"u8, Provider);
        writer.WriteString("tag"u8, Tag);
        writer.WriteNumber("context_length"u8, ContextLength);
        writer.WriteNumber("max_completion_tokens"u8, MaxOutput);
        writer.WriteNumber("max_prompt_tokens"u8, ContextLength);
        Pricing.WriteTo(writer);
        writer.WriteString("quantization"u8, Numerics);
        ModelList.WriteTexts(writer, "supported_parameters"u8, SupportedParameters);
        writer.WriteNumber("status"u8, 0);
        writer.WriteString("region"u8, Region);
        writer.WriteString("hardware"u8, Hardware);
        writer.WriteString("data_policy"u8, DataPolicy);
        writer.WriteString("trust_tier"u8, TrustTier);
        writer.WriteEndObject();
    }
}

/// <summary>The reply of <c>GET /v1/models/{author}/{slug}/endpoints</c>.</summary>
public sealed record ModelEndpoints(ModelEntry Model, IReadOnlyList<ModelEndpoint> Endpoints)
{
    public byte[] ToJson() => ModelList.Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartObject("data"u8);
        writer.WriteString("id"u8, Model.Id);
        writer.WriteString("name"u8, Model.Name ?? Model.Id);
        writer.WriteNumber("created"u8, Model.Created);
        writer.WriteString("description"u8, "");
        Model.WriteArchitecture(writer);
        writer.WriteStartArray("endpoints"u8);
        foreach (var endpoint in Endpoints)
        {
            endpoint.WriteTo(writer);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndObject();
    });
}
