using Souk.Chain;
using Souk.Protocol;

namespace Souk.Testbed.Chain;

/// <summary>
/// What the x402 batch-settlement escrow allows: written from the specification, apart from the contract and from
/// the code
/// under test.
/// </summary>
internal static class EscrowRules
{
    public static ChainBooks Deposit(
        ChainBooks books, Acting acting, ChannelConfig config, Amount amount, Address collector,
            ReadOnlyMemory<byte> data)
    {
        Require(
            !config.Payer.IsZero && !config.Receiver.IsZero && !config.ReceiverAuthorizer.IsZero
            && !config.Token.IsZero,
            "InvalidChannel");
        Require(
            config.WithdrawDelay is >= ChannelConfig.MinWithdrawDelay and <= ChannelConfig.MaxWithdrawDelay,
            "WithdrawDelayOutOfRange");
        Require(!amount.IsZero, "ZeroDeposit");
        Require(!collector.IsZero, "InvalidCollector");
        var id = config.Id(acting.Network.EscrowDomain);
        books = collector == acting.Network.Erc3009Collector
            ? ReceiveRules.Collect(books, acting, collector, config, id, amount, data.Span)
            : VaultRules.Collect(books, acting, collector, config, id, amount, data);
        var known = Find(books, id, config);
        return Put(books, known with { State = known.State with { Balance = known.State.Balance + amount } });
    }

    public static ChainBooks Claim(ChainBooks books, Acting acting, Claim claim)
    {
        Require(claim.Rows.Count > 0, "EmptyBatch");
        var domain = acting.Network.EscrowDomain;
        if (claim.Authorisation is { } signature)
        {
            var authorizer = claim.Rows[0].Channel.ReceiverAuthorizer;
            var digest = ClaimBatch.Digest(domain, [.. claim.Rows.Select(row =>
                new ClaimEntry(row.Channel.Id(domain), row.Ceiling, row.Total))]);
            Require(Secp256k1.Recover(digest, signature) == authorizer, "InvalidSignature");
            Require(claim.Rows.All(row => row.Channel.ReceiverAuthorizer == authorizer), "NotReceiverAuthorizer");
        }
        else
        {
            Require(claim.Rows.All(row => IsReceiverSide(acting, row.Channel)), "NotAuthorizedToClaim");
        }

        return claim.Rows.Aggregate(books, (after, row) => ClaimRow(after, domain, row));
    }

    public static ChainBooks Settle(ChainBooks books, Acting acting, Address receiver)
    {
        var sums = books.Receivers.GetValueOrDefault(receiver) ?? new ReceiverState(Amount.Zero, Amount.Zero);
        var owed = sums.Claimed - sums.Settled;
        return owed.IsZero
            ? books
            : books.Transfer(acting.Network.Escrow, receiver, owed) with
            {
                Receivers = books.Receivers.SetItem(receiver, sums with { Settled = sums.Claimed }),
            };
    }

    public static ChainBooks Initiate(ChainBooks books, Acting acting, ChannelConfig config, Amount amount)
    {
        Require(IsPayerSide(acting, config), "InvalidChannel");
        Require(!amount.IsZero, "NothingToWithdraw");
        var known = Find(books, config.Id(acting.Network.EscrowDomain), config);
        Require(known.State.Withdrawal is null, "WithdrawalAlreadyPending");
        Require(amount <= known.State.Available, "WithdrawAmountExceedsAvailable");
        return Put(books, known with
        {
            State = known.State with { Withdrawal = new PendingWithdrawal(amount, acting.Now) },
        });
    }

    public static ChainBooks Finalize(ChainBooks books, Acting acting, ChannelConfig config)
    {
        Require(IsPayerSide(acting, config), "NotAuthorizedToFinalizeWithdraw");
        var known = Find(books, config.Id(acting.Network.EscrowDomain), config);
        var pending = known.State.Withdrawal ?? throw new RevertException("WithdrawalNotPending");
        Require(acting.Now >= pending.InitiatedAt + config.WithdrawDelay, "WithdrawDelayNotElapsed");
        var amount = Amount.Min(pending.Amount, known.State.Available);
        return PayBack(books, acting, known with { State = known.State with { Withdrawal = null } }, amount);
    }

    public static ChainBooks Refund(ChainBooks books, Acting acting, Refund refund)
    {
        var config = refund.Channel;
        var id = config.Id(acting.Network.EscrowDomain);
        var known = Find(books, id, config);
        if (refund.Authorisation is { } authority)
        {
            Require(authority.Nonce == known.State.RefundNonce, "InvalidRefundNonce");
            var digest = RefundAuthorisation.Digest(acting.Network.EscrowDomain, id, authority.Nonce, refund.Amount);
            Require(Secp256k1.Recover(digest, authority.Signature) == config.ReceiverAuthorizer, "InvalidSignature");
        }
        else
        {
            Require(IsReceiverSide(acting, config), "NotAuthorizedToRefund");
        }

        Require(!refund.Amount.IsZero, "ZeroRefund");
        var amount = Amount.Min(refund.Amount, known.State.Available);
        var left = known.State.Withdrawal is { } pending && amount < pending.Amount
            ? pending with { Amount = pending.Amount - amount }
            : null;
        return PayBack(
            books, acting,
            known with { State = known.State with { Withdrawal = left, RefundNonce = known.State.RefundNonce + 1 } },
            amount);
    }

    private static ChainBooks ClaimRow(ChainBooks books, EscrowDomain domain, VoucherClaim row)
    {
        var id = row.Channel.Id(domain);
        var known = Find(books, id, row.Channel);
        if (row.Total <= known.State.Claimed)
        {
            return books;
        }

        Require(row.Total <= row.Ceiling, "ClaimExceedsCeiling");
        Require(row.Total <= known.State.Balance, "ClaimExceedsBalance");
        var signer = Secp256k1.Recover(Voucher.Digest(domain, id, row.Ceiling), row.Signature);
        var authorizer = row.Channel.PayerAuthorizer.IsZero ? row.Channel.Payer : row.Channel.PayerAuthorizer;
        Require(signer is not null && signer == authorizer, "InvalidSignature");
        var added = row.Total - known.State.Claimed;
        var receiver = row.Channel.Receiver;
        var sums = books.Receivers.GetValueOrDefault(receiver) ?? new ReceiverState(Amount.Zero, Amount.Zero);
        return Put(books, known with { State = known.State with { Claimed = row.Total } }) with
        {
            Receivers = books.Receivers.SetItem(receiver, sums with { Claimed = sums.Claimed + added }),
        };
    }

    private static ChainBooks PayBack(ChainBooks books, Acting acting, SimulatedChannel channel, Amount amount) => Put(
        books.Transfer(acting.Network.Escrow, channel.Config.Payer, amount),
        channel with { State = channel.State with { Balance = channel.State.Balance - amount } });

    private static SimulatedChannel Find(ChainBooks books, Bytes32 id, ChannelConfig config) =>
        books.Channels.GetValueOrDefault(id)
        ?? new SimulatedChannel(config, new ChannelState(id, Amount.Zero, Amount.Zero, null, 0));

    private static ChainBooks Put(ChainBooks books, SimulatedChannel channel) =>
        books with { Channels = books.Channels.SetItem(channel.State.Id, channel) };

    private static bool IsPayerSide(Acting acting, ChannelConfig config) =>
        acting.Sender == config.Payer || acting.Sender == config.PayerAuthorizer;

    private static bool IsReceiverSide(Acting acting, ChannelConfig config) =>
        acting.Sender == config.Receiver || acting.Sender == config.ReceiverAuthorizer;

    private static void Require(bool isFine, string error)
    {
        if (!isFine)
        {
            throw new RevertException(error);
        }
    }
}
