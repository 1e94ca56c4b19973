using System.Text.Json;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Wire.X402;

/// <summary>What a 402 says: how a request can be paid, and why the last payment was not taken.</summary>
/// <param name="Error">Why; an error code of the scheme where it is about a payment.</param>
/// <param name="Resource">What is sold.</param>
/// <param name="Accepts">
/// The ways to pay. Only those with scheme batch-settlement on EVM chains are read, so the list may be empty.
/// </param>
public sealed record PaymentRequired(string? Error, ResourceInfo Resource, IReadOnlyList<PaymentRequirements> Accepts)
{
    private const int MostAccepts = 32;
    private const int MostErrorCharacters = 1024;

    /// <summary>The extensions as JSON text, which a client echoes; null where there are none.</summary>
    public string? Extensions { get; init; }

    /// <summary>The JSON text.</summary>
    public ReadOnlyMemory<byte> ToJson() => JsonBody.Write(json =>
    {
        json.WriteNumber("x402Version", X402Header.Version);
        if (Error is { } error)
        {
            json.WriteString("error", error);
        }

        Resource.Write(json);
        json.WriteArray("accepts", Accepts, (writer, one) => one.Write(writer));
        json.WriteExtensions(Extensions);
    });

    /// <summary>The value of the header <c>PAYMENT-REQUIRED</c>.</summary>
    public string ToHeader() => X402Header.Encode(ToJson().Span);

    /// <summary>Reads that header.</summary>
    public static Result<PaymentRequired> FromHeader(string? value) =>
        X402Header.Decode(value, "header " + X402Header.Required).TryGet(out var json, out var refusal)
            ? Parse(json)
            : refusal;

    /// <summary>Reads the JSON text.</summary>
    public static Result<PaymentRequired> Parse(ReadOnlyMemory<byte> json) =>
        JsonFields.Parse(json, X402Header.MostBytes, "402", fields =>
        {
            fields.RequireVersion();
            return new PaymentRequired(
                fields.OptionalText("error", MostErrorCharacters),
                ResourceInfo.Read(fields.Object("resource")),
                fields.Objects("accepts", MostAccepts, PaymentRequirements.IsOurs, PaymentRequirements.Read))
            {
                Extensions = fields.RawObject("extensions"),
            };
        });
}

/// <summary>What is sold.</summary>
/// <param name="Url">Its address.</param>
/// <param name="Description">For people; null where the server says nothing.</param>
/// <param name="MimeType">Of the answer; null where the server says nothing.</param>
public sealed record ResourceInfo(string Url, string? Description = null, string? MimeType = null)
{
    private const int MostCharacters = 2048;

    internal static ResourceInfo Read(JsonFields fields) => new(
        fields.Text("url", MostCharacters),
        fields.OptionalText("description", MostCharacters),
        fields.OptionalText("mimeType", MostCharacters));

    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("resource");
        json.WriteString("url", Url);
        if (Description is { } description)
        {
            json.WriteString("description", description);
        }

        if (MimeType is { } type)
        {
            json.WriteString("mimeType", type);
        }

        json.WriteEndObject();
    }
}
