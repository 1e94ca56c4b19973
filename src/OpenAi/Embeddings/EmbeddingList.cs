using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Embeddings;

/// <summary>A reply to <c>/v1/embeddings</c>: one vector for each input, in their order.</summary>
/// <param name="Vectors">All of one length, every number finite.</param>
/// <param name="PromptTokens">What the sender says it read; 0 where it does not say.</param>
public sealed record EmbeddingList(IReadOnlyList<float[]> Vectors, long PromptTokens)
{
    private const int MaxDepth = 16;

    /// <summary>
    /// Reads somebody's reply, vectors in either format. Fails with a 502 error where it does not hold exactly
    /// <paramref name="inputs"/> vectors of one length; never throws.
    /// </summary>
    public static ParseResult<EmbeddingList> Parse(ReadOnlyMemory<byte> utf8, int inputs)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8, JsonText.DocumentOptions(MaxDepth));
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("data", out var data)
                || data.ValueKind != JsonValueKind.Array || data.GetArrayLength() != inputs)
            {
                return Malformed($"it does not hold {inputs} vectors");
            }

            var vectors = new float[inputs][];
            var place = 0;
            foreach (var entry in data.EnumerateArray())
            {
                var index = IndexOf(entry) ?? place;
                if (index < 0 || index >= inputs || vectors[index] is not null || VectorOf(entry) is not { } vector
                    || vector.Length != (vectors.FirstOrDefault(known => known is not null) ?? vector).Length)
                {
                    return Malformed($"its vector {place} is no vector, stands twice or has a length of its own");
                }

                vectors[index] = vector;
                place++;
            }

            return new EmbeddingList(vectors, UsageOf(root));
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException or FormatException)
        {
            return Malformed("it is not JSON of that shape");
        }
    }

    /// <summary>The body of a reply.</summary>
    /// <param name="model">The model's name as the reader knows it.</param>
    /// <param name="usage">What was read and billed.</param>
    /// <param name="isBase64">Little-endian float32 in base64 rather than numbers.</param>
    public byte[] ToJson(string model, Usage usage, bool isBase64)
    {
        ArgumentNullException.ThrowIfNull(usage);
        var buffer = new ArrayBufferWriter<byte>(4_096);
        using (var writer = new Utf8JsonWriter(buffer, JsonText.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("object"u8, "list"u8);
            writer.WriteStartArray("data"u8);
            for (var i = 0; i < Vectors.Count; i++)
            {
                writer.WriteStartObject();
                writer.WriteString("object"u8, "embedding"u8);
                writer.WriteNumber("index"u8, i);
                writer.WritePropertyName("embedding"u8);
                Write(writer, Vectors[i], isBase64);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteString("model"u8, model);
            writer.WritePropertyName("usage"u8);
            usage.WriteInputTo(writer);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter writer, float[] vector, bool isBase64)
    {
        if (isBase64)
        {
            writer.WriteBase64StringValue(BytesOf(vector));
            return;
        }

        writer.WriteStartArray();
        foreach (var number in vector)
        {
            writer.WriteNumberValue(number);
        }

        writer.WriteEndArray();
    }

    private static ReadOnlySpan<byte> BytesOf(float[] vector)
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("Vectors are little-endian, as every machine that .NET runs on.");
        }

        return MemoryMarshal.AsBytes(vector.AsSpan());
    }

    private static int? IndexOf(JsonElement entry) =>
        entry.ValueKind == JsonValueKind.Object && entry.TryGetProperty("index", out var index)
        && index.ValueKind == JsonValueKind.Number && index.TryGetInt32(out var number) ? number : null;

    private static float[]? VectorOf(JsonElement entry)
    {
        if (entry.ValueKind != JsonValueKind.Object || !entry.TryGetProperty("embedding", out var told))
        {
            return null;
        }

        var vector = told.ValueKind switch
        {
            JsonValueKind.String => FromBase64(told),
            JsonValueKind.Array when told.GetArrayLength() <= EmbeddingInputs.MostDimensions =>
                [.. told.EnumerateArray().Select(number => number.GetSingle())],
            _ => null,
        };
        return vector is { Length: > 0 and <= EmbeddingInputs.MostDimensions }
            && Array.TrueForAll(vector, float.IsFinite)
            ? vector : null;
    }

    private static float[]? FromBase64(JsonElement text)
    {
        var bytes = text.GetBytesFromBase64();
        return bytes.Length % sizeof(float) == 0 && BitConverter.IsLittleEndian
            ? MemoryMarshal.Cast<byte, float>(bytes).ToArray() : null;
    }

    private static long UsageOf(JsonElement root) =>
        root.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object
        && usage.TryGetProperty("prompt_tokens", out var tokens) && tokens.ValueKind == JsonValueKind.Number
        && tokens.TryGetInt64(out var number) && number > 0 ? number : 0;

    private static OpenAiError Malformed(string why) =>
        OpenAiError.BadGateway($"The provider's embeddings cannot be used: {why}.", "malformed_embeddings");
}
