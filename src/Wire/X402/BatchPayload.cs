using System.Globalization;
using System.Text.Json;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Wire.X402;

/// <summary>The signed part of a payment: a voucher on a channel, and what goes with it.</summary>
/// <param name="Config">The channel.</param>
/// <param name="Voucher">The voucher; of a refund it promises what was charged and no more.</param>
public abstract record BatchPayload(ChannelConfig Config, Voucher Voucher)
{
    private const int MostTypeCharacters = 32;

    private protected abstract string Type { get; }

    internal static BatchPayload Read(JsonFields fields)
    {
        var type = fields.Text("type", MostTypeCharacters);
        var config = ReadConfig(fields.Object("channelConfig"));
        var voucher = ReadVoucher(fields.Object("voucher"));
        switch (type)
        {
            case VoucherPayload.Name:
                return new VoucherPayload(config, voucher);
            case DepositPayload.Name:
                var deposit = fields.Object("deposit");
                return new DepositPayload(
                    config,
                    voucher,
                    deposit.Parsed<Amount>("amount", Amount.TryParse),
                    ReceiveProof.Read(deposit.Object("authorization").Object("erc3009Authorization")));
            case RefundPayload.Name:
                return new RefundPayload(
                    config, voucher, fields.Has("amount") ? fields.Parsed<Amount>("amount", Amount.TryParse) : null);
            default:
                fields.Fail("type");
                return new VoucherPayload(config, voucher);
        }
    }

    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", Type);
        json.WriteStartObject("channelConfig");
        json.WriteString("payer", Config.Payer.ToString());
        json.WriteString("payerAuthorizer", Config.PayerAuthorizer.ToString());
        json.WriteString("receiver", Config.Receiver.ToString());
        json.WriteString("receiverAuthorizer", Config.ReceiverAuthorizer.ToString());
        json.WriteString("token", Config.Token.ToString());
        json.WriteNumber("withdrawDelay", Config.WithdrawDelay);
        json.WriteString("salt", Config.Salt.ToString());
        json.WriteEndObject();
        json.WriteStartObject("voucher");
        json.WriteString("channelId", Voucher.ChannelId.ToString());
        json.WriteString("maxClaimableAmount", Voucher.MaxClaimable.ToString());
        json.WriteString("signature", Voucher.Signature.ToString());
        json.WriteEndObject();
        WriteMore(json);
        json.WriteEndObject();
    }

    private protected virtual void WriteMore(Utf8JsonWriter json)
    {
    }

    private static ChannelConfig ReadConfig(JsonFields fields) => new(
        fields.Parsed<Address>("payer", Address.TryParse),
        fields.Parsed<Address>("payerAuthorizer", Address.TryParse),
        fields.Parsed<Address>("receiver", Address.TryParse),
        fields.Parsed<Address>("receiverAuthorizer", Address.TryParse),
        fields.Parsed<Address>("token", Address.TryParse),
        fields.Delay("withdrawDelay"),
        fields.Parsed<Bytes32>("salt", Bytes32.TryParse));

    private static Voucher ReadVoucher(JsonFields fields) => new(
        fields.Parsed<Bytes32>("channelId", Bytes32.TryParse),
        fields.Parsed<Amount>("maxClaimableAmount", Amount.TryParse),
        fields.Parsed<Signature>("signature", Signature.TryParse));
}

/// <summary>A voucher on a channel that has the money.</summary>
public sealed record VoucherPayload(ChannelConfig Config, Voucher Voucher) : BatchPayload(Config, Voucher)
{
    internal const string Name = "voucher";

    private protected override string Type => Name;
}

/// <summary>A deposit for the other side to submit, and the first voucher on it.</summary>
/// <param name="Config">The channel.</param>
/// <param name="Voucher">The voucher.</param>
/// <param name="Amount">What is deposited.</param>
/// <param name="Proof">The payer's permission to take it.</param>
public sealed record DepositPayload(ChannelConfig Config, Voucher Voucher, Amount Amount, ReceiveProof Proof)
    : BatchPayload(Config, Voucher)
{
    internal const string Name = "deposit";

    private protected override string Type => Name;

    private protected override void WriteMore(Utf8JsonWriter json)
    {
        json.WriteStartObject("deposit");
        json.WriteString("amount", Amount.ToString());
        json.WriteStartObject("authorization");
        Proof.Write(json);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}

/// <summary>Asks for what is left of a channel, or a part of it.</summary>
/// <param name="Config">The channel.</param>
/// <param name="Voucher">A voucher over exactly what was charged.</param>
/// <param name="Amount">How much; null asks for all.</param>
public sealed record RefundPayload(ChannelConfig Config, Voucher Voucher, Amount? Amount)
    : BatchPayload(Config, Voucher)
{
    internal const string Name = "refund";

    private protected override string Type => Name;

    private protected override void WriteMore(Utf8JsonWriter json)
    {
        if (Amount is { } amount)
        {
            json.WriteString("amount", amount.ToString());
        }
    }
}

/// <summary>
/// An EIP-3009 permission by which the canonical collector takes a deposit from the payer. Its nonce at the currency is
/// keccak256(abi.encode(channelId, salt)), so it funds this channel and no other.
/// </summary>
/// <param name="ValidAfter">Unix second after which it holds.</param>
/// <param name="ValidBefore">Unix second before which it holds.</param>
/// <param name="Salt">Tells apart deposits to one channel.</param>
/// <param name="Signature">
/// The payer's, 65 bytes for a plain account; contract wallets may sign in other forms, up to
/// <see cref="MostSignatureBytes"/>.
/// </param>
public sealed record ReceiveProof(ulong ValidAfter, ulong ValidBefore, Bytes32 Salt, ReadOnlyMemory<byte> Signature)
{
    /// <summary>The most bytes of a signature.</summary>
    public const int MostSignatureBytes = 1024;

    internal static ReceiveProof Read(JsonFields fields) => new(
        fields.Parsed<ulong>("validAfter", TryReadTime),
        fields.Parsed<ulong>("validBefore", TryReadTime),
        fields.Parsed<Bytes32>("salt", Bytes32.TryParse),
        fields.Bytes("signature", MostSignatureBytes));

    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("erc3009Authorization");
        json.WriteString("validAfter", ValidAfter.ToString(CultureInfo.InvariantCulture));
        json.WriteString("validBefore", ValidBefore.ToString(CultureInfo.InvariantCulture));
        json.WriteString("salt", Salt.ToString());
        json.WriteHex("signature", Signature.Span);
        json.WriteEndObject();
    }

    private static bool TryReadTime(string text, out ulong time) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out time);
}
