using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Souk.Protocol;

/// <summary>
/// The JSON form of every message: snake_case names, amounts and seeds as decimal strings, bytes as 0x hex, no
/// repeated names. In headers and comments it is the base64url of the UTF-8 text, without padding.
/// </summary>
public static class SoukJson
{
    /// <summary>Largest message read where the caller sets no other bound, in bytes.</summary>
    public const int DefaultMaxBytes = 64 * 1024;

    /// <summary>The message as UTF-8 JSON.</summary>
    /// <exception cref="NotSupportedException">Not a message of the protocol.</exception>
    public static byte[] Serialize<T>(T message) =>
        JsonSerializer.SerializeToUtf8Bytes(message, typeof(T), SoukJsonContext.Default);

    /// <summary>The message as JSON text.</summary>
    public static string ToText<T>(T message) => Encoding.UTF8.GetString(Serialize(message));

    /// <summary>The message as base64url of its UTF-8 JSON, for a header or a comment.</summary>
    public static string ToBase64Url<T>(T message) => Base64Url.EncodeToString(Serialize(message));

    /// <summary>
    /// Reads a message that a peer sent: too large, not JSON, missing fields and flawed values are refused.
    /// </summary>
    public static Result<T> Parse<T>(ReadOnlySpan<byte> utf8, int maxBytes = DefaultMaxBytes)
        where T : class
    {
        if (utf8.Length > maxBytes)
        {
            return Malformed<T>($"it has {utf8.Length} bytes, more than {maxBytes}.");
        }

        try
        {
            return JsonSerializer.Deserialize(utf8, typeof(T), SoukJsonContext.Default) is T message
                ? Checked(message)
                : Malformed<T>("it is null.");
        }
        catch (JsonException e)
        {
            return Malformed<T>(e.Message);
        }
        catch (ArgumentException e)
        {
            // A record whose constructor checks its arguments.
            return Malformed<T>(e.Message);
        }
    }

    /// <summary>Reads JSON text.</summary>
    public static Result<T> ParseText<T>(string json, int maxBytes = DefaultMaxBytes)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(json);
        return json.Length > maxBytes
            ? Malformed<T>($"it has more than {maxBytes} bytes.")
            : Parse<T>(Encoding.UTF8.GetBytes(json), maxBytes);
    }

    /// <summary>Reads base64url, as headers and comments carry it.</summary>
    public static Result<T> FromBase64Url<T>(ReadOnlySpan<char> text, int maxBytes = DefaultMaxBytes)
        where T : class
    {
        if (text.Length > Base64Url.GetEncodedLength(maxBytes))
        {
            return Malformed<T>($"it has more than {maxBytes} bytes.");
        }

        return Base64Url.IsValid(text)
            ? Parse<T>(Base64Url.DecodeFromChars(text), maxBytes)
            : Malformed<T>("it is not base64url.");
    }

    private static Result<T> Checked<T>(T message)
        where T : class
    {
        var flaw = message switch
        {
            ISoukMessage souk => souk.Flaw(),
            Signed<Offer> signed => signed.Message.Flaw(),
            Signed<Receipt> signed => signed.Message.Flaw(),
            Signed<CatalogueDocument> signed => signed.Message.Flaw(),
            _ => null,
        };
        return flaw is null ? message : flaw;
    }

    private static Result<T> Malformed<T>(string problem) =>
        new Refusal(Fault.Theirs, "message_malformed", $"The {NameOf(typeof(T))} cannot be read: {problem}");

    private static string NameOf(Type type) =>
        type.IsGenericType ? $"signed {type.GetGenericArguments()[0].Name}" : type.Name;
}

/// <summary>Generated JSON code of the protocol's messages.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.Never,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = 16)]
[JsonSerializable(typeof(ChannelConfig))]
[JsonSerializable(typeof(Voucher))]
[JsonSerializable(typeof(ClaimEntry))]
[JsonSerializable(typeof(DrawAuthorisation))]
[JsonSerializable(typeof(Offer))]
[JsonSerializable(typeof(Acceptance))]
[JsonSerializable(typeof(Receipt))]
[JsonSerializable(typeof(CatalogueDocument))]
[JsonSerializable(typeof(Signed<Offer>))]
[JsonSerializable(typeof(Signed<Acceptance>))]
[JsonSerializable(typeof(Signed<Receipt>))]
[JsonSerializable(typeof(Signed<CatalogueDocument>))]
[JsonSerializable(typeof(ModelManifest))]
[JsonSerializable(typeof(SamplingParameters))]
[JsonSerializable(typeof(NetworkFile))]
[JsonSerializable(typeof(Signed<Offer>[]))]
internal sealed partial class SoukJsonContext : JsonSerializerContext
{
    /// <summary>The same for files that people read.</summary>
    public static SoukJsonContext Indented =>
        new(new JsonSerializerOptions(Default.Options) { WriteIndented = true });
}
