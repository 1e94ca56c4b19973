using System.Globalization;
using System.Text.Json;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Wire.X402;

/// <summary>
/// One way to pay that a 402 offers, here always scheme <c>batch-settlement</c> on an EVM chain
/// (<c>specs/schemes/batch-settlement/scheme_batch_settlement_evm.md</c>).
/// </summary>
/// <param name="ChainId">EIP-155 chain id; on the wire the network <c>eip155:ID</c>.</param>
/// <param name="Amount">The most that the request can cost, which the voucher adds to what was charged.</param>
/// <param name="Asset">The currency.</param>
/// <param name="PayTo">The receiver of the channel.</param>
/// <param name="MaxTimeoutSeconds">How long a signed deposit stays valid.</param>
/// <param name="Extra">The scheme's own terms.</param>
public sealed record PaymentRequirements(
    ulong ChainId, Amount Amount, Address Asset, Address PayTo, ulong MaxTimeoutSeconds, BatchExtra Extra)
{
    /// <summary>The scheme's name.</summary>
    public const string Scheme = "batch-settlement";

    private const string EvmPrefix = "eip155:";
    private const int MostNetworkCharacters = 40;

    /// <summary>
    /// The JSON text as it was read, for the client that must echo what it accepts with members that it does not know;
    /// null where it was not read. Not part of equality of meaning: see <see cref="HasTermsOf"/>.
    /// </summary>
    public string? Verbatim { get; init; }

    /// <summary>The network's name in messages.</summary>
    public static string NetworkName(ulong chainId) =>
        string.Create(CultureInfo.InvariantCulture, $"{EvmPrefix}{chainId}");

    /// <summary>
    /// Whether a payment that accepted <paramref name="accepted"/> was signed for these terms: everything that the
    /// channel or the price depends on. Hints and corrective state may differ.
    /// </summary>
    public bool HasTermsOf(PaymentRequirements accepted) =>
        ChainId == accepted.ChainId
        && Amount == accepted.Amount
        && Asset == accepted.Asset
        && PayTo == accepted.PayTo
        && Extra.ReceiverAuthorizer == accepted.Extra.ReceiverAuthorizer
        && Extra.WithdrawDelay == accepted.Extra.WithdrawDelay;

    internal static bool TryReadNetwork(string text, out ulong chainId)
    {
        chainId = 0;
        return text.StartsWith(EvmPrefix, StringComparison.Ordinal)
            && ulong.TryParse(
                text.AsSpan(EvmPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out chainId);
    }

    internal static ulong ReadNetwork(JsonFields fields) =>
        fields.Parsed<ulong>("network", TryReadNetwork, MostNetworkCharacters);

    /// <summary>Whether these are terms of this scheme on an EVM chain; others are for other clients.</summary>
    internal static bool IsOurs(JsonFields fields) =>
        fields.Is("scheme", Scheme) && fields.Begins("network", EvmPrefix);

    internal static PaymentRequirements Read(JsonFields fields)
    {
        if (!fields.Is("scheme", Scheme))
        {
            fields.Fail("scheme");
        }

        return new(
            ReadNetwork(fields),
            fields.Parsed<Amount>("amount", Amount.TryParse),
            fields.Parsed<Address>("asset", Address.TryParse),
            fields.Parsed<Address>("payTo", Address.TryParse),
            fields.Number("maxTimeoutSeconds"),
            BatchExtra.Read(fields.Object("extra")))
        {
            Verbatim = fields.Raw(),
        };
    }

    internal void Write(Utf8JsonWriter json)
    {
        if (Verbatim is { } verbatim)
        {
            json.WriteRawValue(verbatim);
            return;
        }

        json.WriteStartObject();
        json.WriteString("scheme", Scheme);
        json.WriteString("network", NetworkName(ChainId));
        json.WriteString("amount", Amount.ToString());
        json.WriteString("asset", Asset.ToString());
        json.WriteString("payTo", PayTo.ToString());
        json.WriteNumber("maxTimeoutSeconds", MaxTimeoutSeconds);
        json.WritePropertyName("extra");
        Extra.Write(json);
        json.WriteEndObject();
    }
}

/// <summary>What batch-settlement adds to payment requirements.</summary>
/// <param name="ReceiverAuthorizer">Signs claims and refunds of the channel.</param>
/// <param name="WithdrawDelay">Seconds that a withdrawal takes.</param>
/// <param name="CurrencyName">Name of the currency's EIP-712 domain, which deposits are signed in.</param>
/// <param name="CurrencyVersion">Version of that domain.</param>
public sealed record BatchExtra(
    Address ReceiverAuthorizer, uint WithdrawDelay, string CurrencyName, string CurrencyVersion)
{
    /// <summary>The only method of deposits that Souk uses: EIP-3009.</summary>
    public const string Eip3009 = "eip3009";

    private const int MostNameCharacters = 128;

    /// <summary>How deposits are made; null stands for <see cref="Eip3009"/>.</summary>
    public string? AssetTransferMethod { get; init; }

    /// <summary>The least deposit that the provider mines; null where it says none.</summary>
    public Amount? MinDeposit { get; init; }

    /// <summary>In a corrective 402: where the channel is.</summary>
    public ChannelState? ChannelState { get; init; }

    /// <summary>In a corrective 402: the voucher that proves it.</summary>
    public VoucherState? VoucherState { get; init; }

    internal static BatchExtra Read(JsonFields fields) => new(
        fields.Parsed<Address>("receiverAuthorizer", Address.TryParse),
        fields.Delay("withdrawDelay"),
        fields.Text("name", MostNameCharacters),
        fields.Text("version", MostNameCharacters))
    {
        AssetTransferMethod = fields.OptionalText("assetTransferMethod", MostNameCharacters),
        // The reference server's hint may be money with a currency sign, which is for people.
        MinDeposit = Amount.TryParse(fields.TextOrNull("minDeposit"), out var least) ? least : null,
        ChannelState = fields.Has("channelState") ? ChannelState.Read(fields.Object("channelState")) : null,
        VoucherState = fields.Has("voucherState") ? VoucherState.Read(fields.Object("voucherState")) : null,
    };

    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("receiverAuthorizer", ReceiverAuthorizer.ToString());
        json.WriteNumber("withdrawDelay", WithdrawDelay);
        json.WriteString("name", CurrencyName);
        json.WriteString("version", CurrencyVersion);
        if (AssetTransferMethod is { } method)
        {
            json.WriteString("assetTransferMethod", method);
        }

        if (MinDeposit is { } least)
        {
            json.WriteString("minDeposit", least.ToString());
        }

        ChannelState?.Write(json, "channelState");
        VoucherState?.Write(json, "voucherState");
        json.WriteEndObject();
    }
}
