using System.Buffers;
using System.Text.Json;

namespace Souk.OpenAi.Listing;

/// <summary>Prices as OpenRouter lists them: exact decimal strings of whole currency per token.</summary>
public sealed record ModelPricing(string Prompt, string Completion, string? CachedPrompt = null)
{
    /// <summary>The price of a request whatever its length, in whole currency; null where there is none.</summary>
    public string? Request { get; init; }

    /// <summary>Writes the property <c>pricing</c> into the open object.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStartObject("pricing"u8);
        writer.WriteString("prompt"u8, Prompt);
        writer.WriteString("completion"u8, Completion);
        if (CachedPrompt is not null)
        {
            writer.WriteString("input_cache_read"u8, CachedPrompt);
        }

        if (Request is not null)
        {
            writer.WriteString("request"u8, Request);
        }

        writer.WriteEndObject();
    }
}

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

    /// <summary>What a prompt may hold: <c>text</c>, <c>image</c>. Null leaves it out.</summary>
    public IReadOnlyList<string>? InputModalities { get; init; }

    /// <summary>Fields of a request that some provider of the model keeps to. Null leaves it out.</summary>
    public IReadOnlyList<string>? SupportedParameters { get; init; }

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
            Pricing.WriteTo(writer);
        }

        if (InputModalities is not null)
        {
            WriteArchitecture(writer);
        }

        if (SupportedParameters is not null)
        {
            ModelList.WriteTexts(writer, "supported_parameters"u8, SupportedParameters);
        }

        Extra?.Invoke(writer);
        writer.WriteEndObject();
    }

    /// <summary>Writes the property <c>architecture</c> into the open object.</summary>
    internal void WriteArchitecture(Utf8JsonWriter writer)
    {
        var inputs = InputModalities ?? [];
        writer.WriteStartObject("architecture"u8);
        writer.WriteString("modality"u8, $"{string.Join('+', inputs)}->text");
        ModelList.WriteTexts(writer, "input_modalities"u8, inputs);
        ModelList.WriteTexts(writer, "output_modalities"u8, ["text"]);
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

    internal static void WriteTexts(Utf8JsonWriter writer, ReadOnlySpan<byte> name, IReadOnlyList<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (var text in texts)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
    }
}
