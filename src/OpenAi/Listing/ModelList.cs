using System.Buffers;
using System.Text.Json;

namespace Souk.OpenAi.Listing;

/// <summary>Prices as OpenRouter lists them: exact decimal strings of whole currency per token.</summary>
public sealed record ModelPricing(string Prompt, string Completion, string? CachedPrompt = null);

/// <summary>One entry of <c>/v1/models</c>.</summary>
/// <param name="Created">Unix seconds.</param>
/// <param name="OwnedBy">SDKs insist on this field.</param>
public sealed record ModelEntry(string Id, long Created, string OwnedBy)
{
    public string? Name { get; init; }

    /// <summary>Tokens of prompt and answer together.</summary>
    public long? ContextLength { get; init; }

    public long? MaxOutput { get; init; }

    public ModelPricing? Pricing { get; init; }

    /// <summary>Writes further properties into the open object, after all others.</summary>
    public Action<Utf8JsonWriter>? Extra { get; init; }

    public byte[] ToJson() => ModelList.Write(WriteTo);

    public void WriteTo(Utf8JsonWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStartObject();
        writer.WriteString("id"u8, Id);
        writer.WriteString("object"u8, "model"u8);
        writer.WriteNumber("created"u8, Created);
        writer.WriteString("owned_by"u8, OwnedBy);
        if (Name is not null)
        {
            writer.WriteString("name"u8, Name);
        }

        if (ContextLength is { } context)
        {
            writer.WriteNumber("context_length"u8, context);
        }

        if (MaxOutput is { } output)
        {
            writer.WriteNumber("max_output_length"u8, output);
        }

        if (Pricing is not null)
        {
            WritePricing(writer, Pricing);
        }

        Extra?.Invoke(writer);
        writer.WriteEndObject();
    }

    private static void WritePricing(Utf8JsonWriter writer, ModelPricing pricing)
    {
        writer.WriteStartObject("pricing"u8);
        writer.WriteString("prompt"u8, pricing.Prompt);
        writer.WriteString("completion"u8, pricing.Completion);
        if (pricing.CachedPrompt is not null)
        {
            writer.WriteString("input_cache_read"u8, pricing.CachedPrompt);
        }

        writer.WriteEndObject();
    }
}

/// <summary>The reply of <c>GET /v1/models</c>.</summary>
public sealed record ModelList(IReadOnlyList<ModelEntry> Data)
{
    public byte[] ToJson() => Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("object"u8, "list"u8);
        writer.WriteStartArray("data"u8);
        foreach (var entry in Data)
        {
            entry.WriteTo(writer);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    internal static byte[] Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(1_024);
        using (var writer = new Utf8JsonWriter(buffer, JsonText.WriterOptions))
        {
            write(writer);
        }

        return buffer.WrittenSpan.ToArray();
    }
}
