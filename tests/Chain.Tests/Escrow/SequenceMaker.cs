using Souk.Protocol;
using Souk.Testbed.Chain;

namespace Souk.Chain.Tests.Escrow;

/// <summary>
/// One call of a sequence, as the contract gets it and as the model does: their currencies have other names, so that
/// deposits are signed twice.
/// </summary>
internal sealed record Step(Address Sender, ulong Time, MarketAction Real, MarketAction Modelled);

/// <summary>
/// Random calls from a seed: most of them meant to work, given what the model says of the state, and every refusal that
/// the specification knows among them.
/// </summary>
internal sealed class SequenceMaker(Cast cast, int seed, Eip712Domain modelCurrency)
{
    private const int Authorizer = 6;
    private readonly Random _random = new(seed);
    private readonly List<(ChannelConfig Channel, Amount Ceiling, Signature Signature)> _vouchers = [];
    private readonly List<(MarketAction Real, MarketAction Modelled)> _deposits = [];
    private ulong _time = 1_900_000_000;

    public Step Next(ChainBooks books)
    {
        _time += (ulong)_random.Next(1, 400);
        if (Chance(12))
        {
            _time += (ulong)_random.Next(0, 4000);
        }

        var channel = Pick(cast.Channels);
        return _random.Next(9) switch
        {
            0 => Same(Cast.Stranger, new MintCurrency(channel.Payer, Some(1_000))),
            1 or 2 => Deposit(channel),
            3 => Claim(books),
            4 => ClaimWithSignature(books),
            5 => Same(_random.Next(8), new Settle(Pick(cast.Accounts))),
            6 => Same(Side(channel.Payer, channel.PayerAuthorizer), new InitiateWithdraw(channel, Free(books,
                channel))),
            7 => Finalize(cast.Channels.FirstOrDefault(one => IsPending(books, one)) ?? channel),
            _ => Refund(books, channel),
        };
    }

    private Step Deposit(ChannelConfig channel)
    {
        if (_deposits.Count > 0 && Chance(10))
        {
            var (real, modelled) = Pick(_deposits);
            return new Step(cast.Accounts[Cast.Stranger], _time, real, modelled);
        }

        var amount = Chance(12) ? Amount.Zero : Some(600);
        channel = Chance(6) ? Broken(channel) : channel;
        var collector = Chance(20) ? Address.Zero : cast.Network.Erc3009Collector!.Value;
        var before = Chance(12) ? _time : _time + 3600;
        var salt = Keccak256.Hash(BitConverter.GetBytes(_random.NextInt64()));
        int? key = Chance(12) ? Cast.Stranger : null;
        MarketAction Made(Eip712Domain currency) => new DepositThrough(
            channel, amount, collector, cast.Deposit(currency, channel, amount, before, salt, key));
        _deposits.Add((Made(cast.Currency), Made(modelCurrency)));
        return new Step(cast.Accounts[_random.Next(8)], _time, _deposits[^1].Real, _deposits[^1].Modelled);
    }

    private Step Claim(ChainBooks books)
    {
        var rows = Rows(books, Chance(4) ? _random.Next(0, 4) : 1);
        var sender = rows.Count > 0 ? Side(rows[0].Channel.Receiver, cast.Accounts[Authorizer]) : 0;
        return Same(sender, new Claim(rows, null));
    }

    private Step ClaimWithSignature(ChainBooks books)
    {
        var rows = Rows(books, _random.Next(Chance(8) ? 0 : 1, 4));
        var signature = cast.Batch(rows, Chance(8) ? _random.Next(8) : null);
        if (rows.Count > 0 && Chance(12))
        {
            rows[0] = rows[0] with { Total = rows[0].Total + Some(3) };
        }

        return Same(_random.Next(8), new Claim(rows, signature));
    }

    private List<VoucherClaim> Rows(ChainBooks books, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => Row(books, Pick(cast.Channels)))];

    private VoucherClaim Row(ChainBooks books, ChannelConfig channel)
    {
        if (_vouchers.Count > 0 && Chance(3))
        {
            var (old, high, by) = Pick(_vouchers);
            return new VoucherClaim(old, high, by, Some((int)high.Units));
        }

        channel = Chance(20) ? Broken(channel) : channel;
        var state = State(books, channel);
        var ceiling = Chance(6) ? Some(2_000) : state.Claimed + Some((int)state.Available.Units + 1);
        var signature = cast.Voucher(channel, ceiling, Chance(12) ? _random.Next(8) : null);
        _vouchers.Add((channel, ceiling, signature));
        var total = Chance(10) ? ceiling + Some(2) : Chance(3) ? Some((int)ceiling.Units) : ceiling;
        return new VoucherClaim(channel, ceiling, signature, total);
    }

    private Step Finalize(ChannelConfig channel)
    {
        if (Chance(2))
        {
            _time += channel.WithdrawDelay;
        }

        return Same(Side(channel.Payer, channel.PayerAuthorizer), new FinalizeWithdraw(channel));
    }

    private bool IsPending(ChainBooks books, ChannelConfig channel) =>
        State(books, channel).Withdrawal is not null && !Chance(3);

    private Step Refund(ChainBooks books, ChannelConfig channel)
    {
        var amount = Chance(10) ? Amount.Zero : Some(200);
        if (Chance(2))
        {
            return Same(Side(channel.Receiver, cast.Accounts[Authorizer]), new Refund(channel, amount, null));
        }

        var nonce = State(books, channel).RefundNonce + (UInt128)(Chance(8) ? 1 : 0);
        var signature = cast.Refund(channel, nonce, amount, Chance(10) ? _random.Next(8) : null);
        return Same(_random.Next(8), new Refund(channel, amount, new RefundAuthority(nonce, signature)));
    }

    private Amount Free(ChainBooks books, ChannelConfig channel)
    {
        var free = (int)State(books, channel).Available.Units;
        return Chance(8) ? Amount.Zero : Chance(3) ? new Amount((UInt128)free) : Some(free + 2);
    }

    /// <summary>The sender's number: mostly one of the two, sometimes anybody.</summary>
    private int Side(Address one, Address other)
    {
        var index = cast.Accounts.ToList().IndexOf(Chance(2) ? one : other);
        return index < 0 || Chance(8) ? _random.Next(8) : index;
    }

    private ChannelConfig Broken(ChannelConfig channel) => _random.Next(6) switch
    {
        0 => channel with { Receiver = Address.Zero },
        1 => channel with { ReceiverAuthorizer = Address.Zero },
        2 => channel with { Token = Address.Zero },
        3 => channel with { WithdrawDelay = 899 },
        4 => channel with { WithdrawDelay = 2_592_001 },
        _ => Cast.WithOtherSalt(channel),
    };

    private ChannelState State(ChainBooks books, ChannelConfig channel)
    {
        var id = channel.Id(cast.Network.EscrowDomain);
        return books.Channels.GetValueOrDefault(id)?.State
            ?? new ChannelState(id, Amount.Zero, Amount.Zero, null, 0);
    }

    private Step Same(int sender, MarketAction action) => new(cast.Accounts[sender], _time, action, action);

    private Amount Some(int most) => new((UInt128)_random.Next(0, Math.Max(1, most)) + 1);

    private bool Chance(int oneIn) => _random.Next(oneIn) == 0;

    private T Pick<T>(IReadOnlyList<T> from) => from[_random.Next(from.Count)];
}
