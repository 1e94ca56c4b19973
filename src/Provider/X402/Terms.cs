using Souk.Chain;
using Souk.Protocol;
using Souk.Wire.X402;

namespace Souk.Provider.X402;

/// <summary>
/// What this provider asks of plain x402 clients, and whether a payment keeps to it. The price is the request's, all
/// else is the same for all.
/// </summary>
internal sealed class Terms(ProviderOptions options, IMarketChain chain)
{
    // How long a signed deposit holds: long enough for a busy chain, short enough to be worthless to a thief.
    private const ulong DepositSeconds = 600;
    private Eip712Domain? _currency;

    public EscrowDomain Escrow { get; } = new(chain.Network.ChainId, chain.Network.Escrow);

    /// <summary>The terms at a price. The currency's domain is read from the chain once.</summary>
    public async Task<Result<PaymentRequirements>> AtAsync(Amount price, CancellationToken cancellation)
    {
        if (_currency is null)
        {
            if (!(await chain.CurrencyDomainAsync(cancellation)).TryGet(out var read, out var refusal))
            {
                return refusal;
            }

            _currency = read;
        }

        var network = chain.Network;
        var extra = new BatchExtra(
            options.AuthorizerKey.Address, options.WithdrawDelay, _currency.Name, _currency.Version)
        {
            AssetTransferMethod = BatchExtra.Eip3009,
            MinDeposit = options.MinimumDeposit,
        };
        return new PaymentRequirements(
            network.ChainId, price, network.Currency, options.Payout, DepositSeconds, extra);
    }

    /// <summary>What is wrong with a payment, whatever its price and the channel's state. Null where nothing is.
    /// </summary>
    public PaymentFailure? Flaw(PaymentRequirements accepted, BatchPayload payload)
    {
        var (config, network) = (payload.Config, chain.Network);
        if (accepted.ChainId != network.ChainId)
        {
            return PaymentFailure.Of(X402Errors.NetworkMismatch, $"This provider is paid on chain {network.ChainId}.");
        }

        if (accepted.Asset != network.Currency || config.Token != network.Currency)
        {
            return PaymentFailure.Of(X402Errors.TokenMismatch, $"This provider is paid in {network.Currency}.");
        }

        if (accepted.PayTo != options.Payout || config.Receiver != options.Payout)
        {
            return PaymentFailure.Of(X402Errors.ReceiverMismatch, $"This provider is paid at {options.Payout}.");
        }

        var authorizer = options.AuthorizerKey.Address;
        if (accepted.Extra.ReceiverAuthorizer != authorizer || config.ReceiverAuthorizer != authorizer)
        {
            return PaymentFailure.Of(
                X402Errors.ReceiverAuthorizerMismatch, $"Claims of this provider are signed by {authorizer}.");
        }

        if (accepted.Extra.WithdrawDelay != options.WithdrawDelay || config.WithdrawDelay != options.WithdrawDelay)
        {
            return PaymentFailure.Of(
                X402Errors.WithdrawDelayMismatch,
                $"Channels to this provider have a withdraw delay of {options.WithdrawDelay} seconds.");
        }

        if (config.Id(Escrow) != payload.Voucher.ChannelId)
        {
            return PaymentFailure.Of(
                X402Errors.ChannelIdMismatch, "The channel's configuration does not hash to the voucher's channel.");
        }

        // The signature comes last: it costs a hundred times more than all the rest.
        return !config.PayerAuthorizer.IsZero && payload.Voucher.Signer(Escrow) == config.PayerAuthorizer
            ? null
            : PaymentFailure.Of(
                X402Errors.VoucherSignature, "The voucher is not signed by the channel's payerAuthorizer.");
    }

    /// <summary>The 402 for a path.</summary>
    public PaymentRequired Ask(string path, string error, params PaymentRequirements[] accepts) => new(
        error, new ResourceInfo(options.Endpoint.TrimEnd('/') + path, null, "application/json"), accepts);
}
