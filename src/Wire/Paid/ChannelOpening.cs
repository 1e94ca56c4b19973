using Souk.Protocol;

namespace Souk.Wire.Paid;

/// <summary>
/// The body of POST /souk/v1/channels: asks a provider to take a channel and answer with a signed acceptance. Asked
/// again for a channel it has taken, the provider answers with a fresh nonce chain.
/// </summary>
/// <param name="Config">The channel.</param>
/// <param name="Deposit">
/// A deposit that the provider shall submit, so that the gateway needs no gas; null where the deposit is already made.
/// </param>
public sealed record ChannelOpening(ChannelConfig Config, ChannelDeposit? Deposit)
{
    /// <summary>The most bytes of the body.</summary>
    public const int MostBytes = 32 << 10;

    /// <summary>The last receipt that the customer holds, for a provider that lost records; may be null.</summary>
    public Signed<Receipt>? Receipt { get; init; }

    /// <summary>The body.</summary>
    public ReadOnlyMemory<byte> ToJson() => JsonBody.Write(json =>
    {
        json.WriteStartObject("config");
        json.WriteString("payer", Config.Payer.ToString());
        json.WriteString("payer_authorizer", Config.PayerAuthorizer.ToString());
        json.WriteString("receiver", Config.Receiver.ToString());
        json.WriteString("receiver_authorizer", Config.ReceiverAuthorizer.ToString());
        json.WriteString("token", Config.Token.ToString());
        json.WriteNumber("withdraw_delay", Config.WithdrawDelay);
        json.WriteString("salt", Config.Salt.ToString());
        json.WriteEndObject();
        if (Deposit is { } deposit)
        {
            json.WriteStartObject("deposit");
            json.WriteString("amount", deposit.Amount.ToString());
            json.WriteString("collector", deposit.Collector.ToString());
            json.WriteHex("data", deposit.Data.Span);
            json.WriteEndObject();
        }

        if (Receipt is { } receipt)
        {
            json.WritePropertyName("receipt");
            json.WriteRawValue(SoukJson.Serialize(receipt));
        }
    });

    /// <summary>Reads a body.</summary>
    public static Result<ChannelOpening> Parse(ReadOnlyMemory<byte> body) =>
        JsonFields.Parse(body, MostBytes, "channel opening", fields => new ChannelOpening(
            ReadConfig(fields.Object("config")),
            fields.Has("deposit") ? ReadDeposit(fields.Object("deposit")) : null)
        {
            Receipt = fields.Has("receipt")
                ? fields.Foreign("receipt", json => SoukJson.Parse<Signed<Receipt>>(json.Span))
                : null,
        });

    private static ChannelConfig ReadConfig(JsonFields fields)
    {
        var delay = fields.Number("withdraw_delay");
        if (delay > uint.MaxValue)
        {
            fields.Fail("withdraw_delay");
            delay = 0;
        }

        return new(
            fields.Parsed<Address>("payer", Address.TryParse),
            fields.Parsed<Address>("payer_authorizer", Address.TryParse),
            fields.Parsed<Address>("receiver", Address.TryParse),
            fields.Parsed<Address>("receiver_authorizer", Address.TryParse),
            fields.Parsed<Address>("token", Address.TryParse),
            (uint)delay,
            fields.Parsed<Bytes32>("salt", Bytes32.TryParse));
    }

    private static ChannelDeposit ReadDeposit(JsonFields fields) => new(
        fields.Parsed<Amount>("amount", Amount.TryParse),
        fields.Parsed<Address>("collector", Address.TryParse),
        fields.Bytes("data", ChannelDeposit.MostDataBytes));
}

/// <summary>
/// A deposit for somebody else to submit: the arguments of the escrow's <c>deposit</c> beside the channel.
/// </summary>
/// <param name="Amount">What is deposited.</param>
/// <param name="Collector">The contract that brings the money, usually the customer's vault.</param>
/// <param name="Data">What the collector needs to agree, such as a signed draw authorisation.</param>
public sealed record ChannelDeposit(Amount Amount, Address Collector, ReadOnlyMemory<byte> Data)
{
    /// <summary>The most bytes of <see cref="Data"/>.</summary>
    public const int MostDataBytes = 8 << 10;
}
