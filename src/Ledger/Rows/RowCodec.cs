using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Souk.Ledger.Rows;

/// <summary>Events to ledger entries, and rows back to events. The kinds' names are part of the format.</summary>
public static class RowCodec
{
    private static readonly (string Kind, JsonTypeInfo Body)[] Table =
    [
        ("api_key_created", RowJson.Default.ApiKeyCreated),
        ("api_key_changed", RowJson.Default.ApiKeyChanged),
        ("api_key_revoked", RowJson.Default.ApiKeyRevoked),
        ("budget_reserved", RowJson.Default.BudgetReserved),
        ("budget_charged", RowJson.Default.BudgetCharged),
        ("budget_released", RowJson.Default.BudgetReleased),
        ("draw_signed", RowJson.Default.DrawSigned),
        ("channel_opened", RowJson.Default.ChannelOpened),
        ("channel_balance_seen", RowJson.Default.ChannelBalanceSeen),
        ("acceptance_adopted", RowJson.Default.AcceptanceAdopted),
        ("offer_used", RowJson.Default.OfferUsed),
        ("voucher_issued", RowJson.Default.VoucherIssued),
        ("request_sent", RowJson.Default.RequestSent),
        ("receipt_received", RowJson.Default.ReceiptReceived),
        ("request_refused", RowJson.Default.RequestRefused),
        ("channel_frozen", RowJson.Default.ChannelFrozen),
        ("withdrawal_started", RowJson.Default.WithdrawalStarted),
        ("withdrawal_finished", RowJson.Default.WithdrawalFinished),
        ("loss_booked", RowJson.Default.LossBooked),
        ("seller_taken", RowJson.Default.SellerTaken),
        ("purchase_sent", RowJson.Default.PurchaseSent),
        ("purchase_charged", RowJson.Default.PurchaseCharged),
        ("purchase_lost", RowJson.Default.PurchaseLost),
        ("offer_issued", RowJson.Default.OfferIssued),
        ("channel_seen", RowJson.Default.ChannelSeen),
        ("acceptance_signed", RowJson.Default.AcceptanceSigned),
        ("voucher_accepted", RowJson.Default.VoucherAccepted),
        ("request_admitted", RowJson.Default.RequestAdmitted),
        ("prefill_begun", RowJson.Default.PrefillBegun),
        ("delivery_counted", RowJson.Default.DeliveryCounted),
        ("receipt_signed", RowJson.Default.ReceiptSigned),
        ("claim_submitted", RowJson.Default.ClaimSubmitted),
        ("claim_mined", RowJson.Default.ClaimMined),
        ("claim_failed", RowJson.Default.ClaimFailed),
        ("settled", RowJson.Default.Settled),
        ("claim_guarded", RowJson.Default.ClaimGuarded),
        ("guard_ended", RowJson.Default.GuardEnded),
        ("request_named", RowJson.Default.RequestNamed),
        ("reply_kept", RowJson.Default.ReplyKept),
        ("refund_submitted", RowJson.Default.RefundSubmitted),
        ("refund_ended", RowJson.Default.RefundEnded),
        ("ledger_repaired", RowJson.Default.LedgerRepaired),
        ("customer_channel_mended", RowJson.Default.CustomerChannelMended),
        ("spent_mended", RowJson.Default.SpentMended),
        ("provider_channel_mended", RowJson.Default.ProviderChannelMended),
    ];

    private static readonly FrozenDictionary<string, JsonTypeInfo> ByKind =
        Table.ToFrozenDictionary(row => row.Kind, row => row.Body);

    private static readonly FrozenDictionary<Type, (string Kind, JsonTypeInfo Body)> ByType =
        Table.ToFrozenDictionary(row => row.Body.Type);

    /// <summary>Every kind of row, in the order of the table.</summary>
    public static IReadOnlyList<string> Kinds { get; } = [.. Table.Select(row => row.Kind)];

    /// <summary>The entry to append for an event.</summary>
    public static LedgerEntry ToEntry(LedgerEvent happened)
    {
        ArgumentNullException.ThrowIfNull(happened);
        var (kind, body) = ByType[happened.GetType()];
        return new LedgerEntry(kind, happened.Key, JsonSerializer.SerializeToUtf8Bytes(happened, body));
    }

    /// <summary>The event that a row holds.</summary>
    /// <exception cref="LedgerFormatException">
    /// The kind or the body is not one that this version knows: a later version wrote it.
    /// </exception>
    public static LedgerEvent ToEvent(LedgerRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        if (!ByKind.TryGetValue(row.Kind, out var body))
        {
            throw new LedgerFormatException(
                $"Ledger row {row.Sequence} is of the unknown kind {row.Kind}. Use the later version that wrote it.");
        }

        try
        {
            return (LedgerEvent)JsonSerializer.Deserialize(row.Body.Span, body)!;
        }
        catch (JsonException unread)
        {
            throw new LedgerFormatException(
                $"Ledger row {row.Sequence} ({row.Kind}) cannot be read by this version: {unread.Message}", unread);
        }
    }
}

// Strict on purpose: a field that is missing or unknown means that another version wrote the row, and guessing what
// it promised would be worse than refusing to start.
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(ApiKeyCreated))]
[JsonSerializable(typeof(ApiKeyChanged))]
[JsonSerializable(typeof(ApiKeyRevoked))]
[JsonSerializable(typeof(BudgetReserved))]
[JsonSerializable(typeof(BudgetCharged))]
[JsonSerializable(typeof(BudgetReleased))]
[JsonSerializable(typeof(DrawSigned))]
[JsonSerializable(typeof(ChannelOpened))]
[JsonSerializable(typeof(ChannelBalanceSeen))]
[JsonSerializable(typeof(AcceptanceAdopted))]
[JsonSerializable(typeof(OfferUsed))]
[JsonSerializable(typeof(VoucherIssued))]
[JsonSerializable(typeof(RequestSent))]
[JsonSerializable(typeof(ReceiptReceived))]
[JsonSerializable(typeof(RequestRefused))]
[JsonSerializable(typeof(ChannelFrozen))]
[JsonSerializable(typeof(WithdrawalStarted))]
[JsonSerializable(typeof(WithdrawalFinished))]
[JsonSerializable(typeof(LossBooked))]
[JsonSerializable(typeof(SellerTaken))]
[JsonSerializable(typeof(PurchaseSent))]
[JsonSerializable(typeof(PurchaseCharged))]
[JsonSerializable(typeof(PurchaseLost))]
[JsonSerializable(typeof(OfferIssued))]
[JsonSerializable(typeof(ChannelSeen))]
[JsonSerializable(typeof(AcceptanceSigned))]
[JsonSerializable(typeof(VoucherAccepted))]
[JsonSerializable(typeof(RequestAdmitted))]
[JsonSerializable(typeof(PrefillBegun))]
[JsonSerializable(typeof(DeliveryCounted))]
[JsonSerializable(typeof(ReceiptSigned))]
[JsonSerializable(typeof(ClaimSubmitted))]
[JsonSerializable(typeof(ClaimMined))]
[JsonSerializable(typeof(ClaimFailed))]
[JsonSerializable(typeof(Settled))]
[JsonSerializable(typeof(ClaimGuarded))]
[JsonSerializable(typeof(GuardEnded))]
[JsonSerializable(typeof(RequestNamed))]
[JsonSerializable(typeof(ReplyKept))]
[JsonSerializable(typeof(RefundSubmitted))]
[JsonSerializable(typeof(RefundEnded))]
[JsonSerializable(typeof(LedgerRepaired))]
[JsonSerializable(typeof(CustomerChannelMended))]
[JsonSerializable(typeof(SpentMended))]
[JsonSerializable(typeof(ProviderChannelMended))]
internal sealed partial class RowJson : JsonSerializerContext;
