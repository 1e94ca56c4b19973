using Souk.Chain;
using Souk.Ledger.Customer;
using Souk.Protocol;
using Souk.Wire.X402;

namespace Souk.Gateway.X402;

/// <summary>
/// What an x402 server may say: terms that the owner allows, charges that follow from them, and states that the
/// gateway's own vouchers explain (the client's rules of scheme batch-settlement). Whatever breaks them gets no more
/// vouchers.
/// </summary>
internal static class SellerRules
{
    public const string OutOfStep = "seller_out_of_step";

    /// <summary>The terms that fit, among those that a 402 offers.</summary>
    public static Result<PaymentRequirements> Pick(PaymentRequired required, X402Seller seller, NetworkFile network)
    {
        var ours = required.Accepts.Where(terms => terms.ChainId == network.ChainId).ToList();
        if (ours.Count == 0)
        {
            return Unfit($"takes no batch-settlement on {PaymentRequirements.NetworkName(network.ChainId)}");
        }

        ours = ours.FindAll(terms => terms.Asset == network.Currency);
        if (ours.Count == 0)
        {
            return Unfit($"does not take the network's currency {network.Currency}");
        }

        var cheapest = ours.MinBy(terms => terms.Amount)!;
        return cheapest switch
        {
            { Amount.IsZero: true } or { PayTo.IsZero: true } or { Extra.ReceiverAuthorizer.IsZero: true } =>
                Unfit("states terms that no channel can have"),
            { Extra.WithdrawDelay: < ChannelConfig.MinWithdrawDelay or > ChannelConfig.MaxWithdrawDelay } =>
                Unfit($"asks for a withdraw delay of {cheapest.Extra.WithdrawDelay} s, which the escrow refuses"),
            _ when cheapest.Amount > seller.MostPerRequest => Unfit(
                $"asks for up to {cheapest.Amount} units a request, and the gateway's owner allows "
                + $"{seller.MostPerRequest}"),
            _ => cheapest,
        };
    }

    /// <summary>Whether a channel was made for these terms.</summary>
    public static bool Fits(ChannelConfig config, PaymentRequirements terms) =>
        config.Receiver == terms.PayTo && config.ReceiverAuthorizer == terms.Extra.ReceiverAuthorizer
        && config.Token == terms.Asset && config.WithdrawDelay == terms.Extra.WithdrawDelay;

    /// <summary>Why the vault would not fund a channel on these terms; null where it would.</summary>
    public static Refusal? CheckVault(VaultState vault, PaymentRequirements terms) =>
        !vault.Receivers.Contains(terms.PayTo)
            ? new Refusal(
                Fault.Ours, "receiver_not_listed",
                $"The x402 server wants to be paid at {terms.PayTo}, which the vault's owner has not listed. If "
                    + $"that is "
                + "right, the owner lists it with 'souk wallet receiver'.")
            : terms.Extra.WithdrawDelay < vault.Limits.LeastWithdrawDelay
                || terms.Extra.WithdrawDelay > vault.Limits.GreatestWithdrawDelay
                ? Unfit($"asks for a withdraw delay of {terms.Extra.WithdrawDelay} s, beyond the vault's limits")
                : null;

    /// <summary>Whether a charge follows from the terms and from what was charged before. Null where it does.</summary>
    /// <param name="settled">What the server says.</param>
    /// <param name="channel">The channel as it was when the request left.</param>
    /// <param name="chainId">The network's chain.</param>
    /// <param name="most">The most that the request could cost.</param>
    public static Refusal? Check(SettlementResponse settled, CustomerChannel channel, ulong chainId, Amount most)
    {
        if (settled.Charged is not { } charged || settled.ChannelState is not { Charged: { } inAll } state)
        {
            return Breach("does not tell the charge and the channel's state");
        }

        return settled switch
        {
            _ when settled.ChainId != chainId => Breach("settles on another chain"),
            _ when settled.Payer is { } payer && payer != channel.Config.Payer => Breach("names another payer"),
            _ when state.ChannelId != channel.Id => Breach("names another channel"),
            _ when charged > most => Breach($"charged {charged} where {most} was agreed"),
            _ when inAll != channel.Base + charged => Breach(
                $"says that {inAll} was charged in all, after {channel.Base} and now {charged}"),
            _ when state.Balance != channel.Deposit => Breach(
                $"says that the channel holds {state.Balance}, and it holds {channel.Deposit}"),
            _ when state.TotalClaimed > inAll => Breach("claimed more than it charged"),
            _ => null,
        };
    }

    /// <summary>
    /// What the server has charged on a channel by its corrective 402. It must prove that by the gateway's own voucher,
    /// never goes beyond what was signed, and only a lost purchase can have cost anything that the gateway does not
    /// know.
    /// </summary>
    /// <param name="required">The 402.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="lost">The purchase whose cost is not known; null where all are.</param>
    /// <param name="escrow">The domain of vouchers.</param>
    public static Result<Amount> Correct(
        PaymentRequired required, CustomerChannel channel, Purchase? lost, EscrowDomain escrow)
    {
        var told = required.Accepts.Select(terms => terms.Extra)
            .FirstOrDefault(extra => extra.ChannelState?.ChannelId == channel.Id);
        if (told is not { ChannelState.Charged: { } charged, VoucherState: { } voucher })
        {
            return Breach("refuses the voucher and does not prove why");
        }

        var signed = new Voucher(channel.Id, voucher.SignedMaxClaimable, voucher.Signature);
        if (voucher.SignedMaxClaimable > channel.Ceiling || signed.Signer(escrow) != channel.Config.PayerAuthorizer)
        {
            return Breach("shows a voucher that was never signed");
        }

        if (charged > voucher.SignedMaxClaimable || charged < channel.Base)
        {
            return Breach($"says that {charged} was charged, which its voucher or its own answers contradict");
        }

        return charged == channel.Base || lost is not null
            ? charged
            : Breach($"says that {charged} was charged, and its answers come to {channel.Base}");
    }

    private static Refusal Unfit(string what) =>
        new(Fault.Theirs, "seller_terms", $"The x402 server {what}; it was not paid.");

    private static Refusal Breach(string what) => new(Fault.Theirs, OutOfStep, $"The x402 server {what}.");
}
