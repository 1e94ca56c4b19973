using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Wire.X402;

/// <summary>What became of a payment: the header <c>PAYMENT-RESPONSE</c>, and the answer of <c>/settle</c>.</summary>
/// <param name="Success">Whether it was taken.</param>
/// <param name="ChainId">EIP-155 chain id.</param>
public sealed record SettlementResponse(bool Success, ulong ChainId)
{
    private const int MostTextCharacters = 1024;

    /// <summary>Why not: an error code.</summary>
    public string? ErrorReason { get; init; }

    /// <summary>The same for people.</summary>
    public string? ErrorMessage { get; init; }

    /// <summary>Who paid.</summary>
    public Address? Payer { get; init; }

    /// <summary>The transaction of a deposit or refund; null where nothing went to the chain.</summary>
    public Bytes32? Transaction { get; init; }

    /// <summary>What that transaction moved; null where nothing went to the chain.</summary>
    public Amount? Amount { get; init; }

    /// <summary>What the request cost; null for a refund and on failure.</summary>
    public Amount? Charged { get; init; }

    /// <summary>Where the channel is now.</summary>
    public ChannelState? ChannelState { get; init; }

    /// <summary>The JSON text.</summary>
    public ReadOnlyMemory<byte> ToJson() => JsonBody.Write(json =>
    {
        json.WriteBoolean("success", Success);
        json.WriteOptional("errorReason", ErrorReason);
        json.WriteOptional("errorMessage", ErrorMessage);
        json.WriteOptional("payer", Payer?.ToString());
        json.WriteString("transaction", Transaction?.ToString() ?? "");
        json.WriteString("network", PaymentRequirements.NetworkName(ChainId));
        json.WriteString("amount", Amount?.ToString() ?? "");
        if (Charged is null && ChannelState is null)
        {
            return;
        }

        json.WriteStartObject("extra");
        json.WriteOptional("chargedAmount", Charged?.ToString());
        ChannelState?.Write(json, "channelState");
        json.WriteEndObject();
    });

    /// <summary>The value of the header <c>PAYMENT-RESPONSE</c>.</summary>
    public string ToHeader() => X402Header.Encode(ToJson().Span);

    /// <summary>Reads that header.</summary>
    public static Result<SettlementResponse> FromHeader(string? value) =>
        X402Header.Decode(value, "header " + X402Header.Response).TryGet(out var json, out var refusal)
            ? Parse(json)
            : refusal;

    /// <summary>Reads the JSON text.</summary>
    public static Result<SettlementResponse> Parse(ReadOnlyMemory<byte> json) =>
        JsonFields.Parse(json, X402Header.MostBytes, "settlement response", fields =>
        {
            var extra = fields.Has("extra") ? fields.Object("extra") : null;
            return new SettlementResponse(fields.Flag("success"), PaymentRequirements.ReadNetwork(fields))
            {
                ErrorReason = fields.OptionalText("errorReason", MostTextCharacters),
                ErrorMessage = fields.OptionalText("errorMessage", MostTextCharacters),
                Payer = fields.Has("payer") ? fields.Parsed<Address>("payer", Address.TryParse) : null,
                Transaction = fields.IsEmpty("transaction")
                    ? null
                    : fields.Parsed<Bytes32>("transaction", Bytes32.TryParse),
                Amount = fields.IsEmpty("amount") ? null : fields.Parsed<Amount>("amount", Protocol.Amount.TryParse),
                Charged = extra is not null && extra.Has("chargedAmount")
                    ? extra.Parsed<Amount>("chargedAmount", Protocol.Amount.TryParse)
                    : null,
                ChannelState = extra is not null && extra.Has("channelState")
                    ? ChannelState.Read(extra.Object("channelState"))
                    : null,
            };
        });
}
