using Souk.Protocol;

namespace Souk.Market.Vouchers;

/// <summary>When a channel can pay for an offer.</summary>
public static class ChannelRules
{
    /// <summary>
    /// Checks a channel's configuration against the offer: parties, currency and delay are the offer's, and the
    /// configuration hashes to the channel on this escrow of this chain.
    /// </summary>
    /// <returns>Null where it fits; otherwise whose fault it is and why.</returns>
    public static Refusal? Check(ChannelConfig config, Bytes32 channelId, Offer offer, EscrowDomain escrow)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(offer);
        ArgumentNullException.ThrowIfNull(escrow);
        if (offer.Escrow != escrow.Escrow)
        {
            return Refuse("escrow_mismatch", "The offer is paid through another escrow than this one.");
        }

        if (config.Id(escrow) != channelId)
        {
            return Refuse(
                "channel_id_mismatch",
                "The channel's configuration does not hash to its id on this chain's escrow. Check the chain id.");
        }

        if (config.Receiver != offer.Payout)
        {
            return Refuse("receiver_mismatch", "The channel pays another receiver than the offer's payout.");
        }

        if (config.ReceiverAuthorizer != offer.Authorizer)
        {
            return Refuse(
                "receiver_authorizer_mismatch", "The channel names another receiverAuthorizer than the offer.");
        }

        if (config.Token != offer.Currency)
        {
            return Refuse("token_mismatch", "The channel holds another currency than the offer's prices.");
        }

        if (config.PayerAuthorizer.IsZero)
        {
            return Refuse(
                "payer_authorizer_missing",
                "The channel has no payerAuthorizer, so its vouchers cannot be checked without asking the chain.");
        }

        return config.WithdrawDelay < offer.WithdrawDelay || config.WithdrawDelay > ChannelConfig.MaxWithdrawDelay
            ? Refuse(
                "withdraw_delay_mismatch",
                $"The channel's withdrawDelay is {config.WithdrawDelay} s, the offer's {offer.WithdrawDelay} s.")
            : null;
    }

    /// <summary>Checks that a new channel holds at least what the offer asks. Null where it does.</summary>
    public static Refusal? CheckDeposit(Amount deposit, Offer offer)
    {
        ArgumentNullException.ThrowIfNull(offer);
        return deposit >= offer.MinimumDeposit
            ? null
            : Refuse(
                "deposit_too_small",
                $"The channel holds {deposit}, and the offer asks for at least {offer.MinimumDeposit}. Top it up.");
    }

    private static Refusal Refuse(string code, string message) => new(Fault.Theirs, code, message);
}
