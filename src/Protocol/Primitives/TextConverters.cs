using System.Text.Json;
using System.Text.Json.Serialization;

namespace Souk.Protocol;

/// <summary>A value that JSON writes as one string.</summary>
public abstract class TextConverter<T> : JsonConverter<T>
{
    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            throw new JsonException($"Expected {Expected} as a string.");
        }

        return Convert(reader.GetString()!);
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Format(value));

    /// <inheritdoc/>
    public override T ReadAsPropertyName(
        ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Convert(reader.GetString()!);

    /// <inheritdoc/>
    public override void WriteAsPropertyName(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        writer.WritePropertyName(Format(value));

    /// <summary>What a reader of the error is told was expected.</summary>
    protected abstract string Expected { get; }

    /// <summary>Reads the text; false when it is not such a value.</summary>
    protected abstract bool TryParse(string text, out T value);

    /// <summary>The text.</summary>
    protected virtual string Format(T value) => value!.ToString()!;

    private T Convert(string text) =>
        TryParse(text, out var value) ? value : throw new JsonException($"Expected {Expected}.");
}

/// <summary>JSON form of <see cref="Address"/>.</summary>
public sealed class AddressConverter : TextConverter<Address>
{
    /// <inheritdoc/>
    protected override string Expected => "an address of 40 hex digits";

    /// <inheritdoc/>
    protected override bool TryParse(string text, out Address value) => Address.TryParse(text, out value);
}

/// <summary>JSON form of <see cref="Bytes32"/>.</summary>
public sealed class Bytes32Converter : TextConverter<Bytes32>
{
    /// <inheritdoc/>
    protected override string Expected => "32 bytes as 64 hex digits";

    /// <inheritdoc/>
    protected override bool TryParse(string text, out Bytes32 value) => Bytes32.TryParse(text, out value);
}

/// <summary>JSON form of <see cref="RequestId"/>.</summary>
public sealed class RequestIdConverter : TextConverter<RequestId>
{
    /// <inheritdoc/>
    protected override string Expected => "a request id of 32 hex digits";

    /// <inheritdoc/>
    protected override bool TryParse(string text, out RequestId value) => RequestId.TryParse(text, out value);
}

/// <summary>JSON form of <see cref="Amount"/>: smallest units as decimal digits in a string.</summary>
public sealed class AmountConverter : TextConverter<Amount>
{
    /// <inheritdoc/>
    protected override string Expected => "an amount as decimal digits";

    /// <inheritdoc/>
    protected override bool TryParse(string text, out Amount value) => Amount.TryParse(text, out value);
}

/// <summary>JSON form of <see cref="Signature"/>.</summary>
public sealed class SignatureConverter : TextConverter<Signature>
{
    /// <inheritdoc/>
    protected override string Expected => "a signature of 65 bytes as 130 hex digits, the last byte 27 or 28";

    /// <inheritdoc/>
    protected override bool TryParse(string text, out Signature value) => Signature.TryParse(text, out value);
}
