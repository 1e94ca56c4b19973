namespace Souk.Wire.X402;

/// <summary>The specification's error codes that Souk sends or reacts to.</summary>
public static class X402Errors
{
    /// <summary>Corrective: the voucher's ceiling is not what was charged plus the price.</summary>
    public const string CumulativeMismatch = Prefix + "cumulative_amount_mismatch";

    /// <summary>The ceiling is below what was claimed on the chain.</summary>
    public const string CumulativeBelowClaimed = Prefix + "cumulative_below_claimed";

    /// <summary>The ceiling is above what the channel holds.</summary>
    public const string CumulativeExceedsBalance = Prefix + "cumulative_exceeds_balance";

    /// <summary>Another request runs on the channel.</summary>
    public const string Busy = Prefix + "channel_busy";

    /// <summary>The configuration does not hash to the channel that the voucher names.</summary>
    public const string ChannelIdMismatch = Prefix + "channel_id_mismatch";

    /// <summary>The chain knows no such channel with money.</summary>
    public const string ChannelNotFound = Prefix + "channel_not_found";

    /// <summary>The chain could not be read.</summary>
    public const string ChainUnreadable = Prefix + "rpc_read_failed";

    /// <summary>The payment is for another chain.</summary>
    public const string NetworkMismatch = Prefix + "network_mismatch";

    /// <summary>The channel is in another currency.</summary>
    public const string TokenMismatch = Prefix + "token_mismatch";

    /// <summary>The channel pays somebody else.</summary>
    public const string ReceiverMismatch = Prefix + "receiver_mismatch";

    /// <summary>Somebody else signs the channel's claims.</summary>
    public const string ReceiverAuthorizerMismatch = Prefix + "receiver_authorizer_mismatch";

    /// <summary>The channel's withdrawal delay is another one.</summary>
    public const string WithdrawDelayMismatch = Prefix + "withdraw_delay_mismatch";

    /// <summary>The voucher is not by the channel's payerAuthorizer.</summary>
    public const string VoucherSignature = Prefix + "voucher_signature";

    /// <summary>The payment's type has no place here.</summary>
    public const string PayloadType = Prefix + "payload_type";

    /// <summary>The deposit is below the provider's minimum.</summary>
    public const string DepositBelowMinimum = Prefix + "deposit_below_min_deposit";

    /// <summary>The deposit would fail on the chain.</summary>
    public const string DepositSimulationFailed = Prefix + "deposit_simulation_failed";

    /// <summary>The deposit failed on the chain.</summary>
    public const string DepositFailed = Prefix + "deposit_transaction_failed";

    /// <summary>The deposit's permission does not hold yet.</summary>
    public const string ValidAfter = Prefix + "payload_authorization_valid_after";

    /// <summary>The deposit's permission holds no longer, or too short.</summary>
    public const string ValidBefore = Prefix + "payload_authorization_valid_before";

    /// <summary>The deposit's permission is not signed by the payer.</summary>
    public const string ReceiveSignature = Prefix + "receive_authorization_signature";

    /// <summary>Nothing is left to refund.</summary>
    public const string RefundNothing = Prefix + "refund_no_balance";

    /// <summary>The refund's amount is none, or more than is left.</summary>
    public const string RefundAmount = Prefix + "refund_amount_invalid";

    /// <summary>The refund failed on the chain.</summary>
    public const string RefundFailed = Prefix + "refund_transaction_failed";

    private const string Prefix = "invalid_batch_settlement_evm_";
}
