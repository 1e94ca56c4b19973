using System.Numerics;
using CsCheck;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Ledger.Selling;
using Souk.Protocol;
using static Souk.Ledger.Tests.Rows.Samples;

namespace Souk.Ledger.Tests.Books;

/// <summary>
/// Books are fed events at random, most of which cannot follow. Whatever they take, the money adds up, and taking the
/// same events again gives the same book.
/// </summary>
public sealed class BookPropertyTests
{
    private static readonly Bytes32[] Keys = [Hash("key 0"), Hash("key 1")];

    private static readonly Gen<(int Kind, int Who, ulong Amount, ulong Number)[]> Steps =
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, 3], Gen.ULong[0, 1_200], Gen.ULong[0, 12]).Array[0, 120];

    [Fact]
    public void A_customers_money_adds_up_after_any_sequence_of_events()
    {
        var receipts = 0;
        Steps.Sample(steps =>
        {
            var book = CustomerBook.Empty
                .Apply(new ApiKeyCreated(Keys[0], "", Units(1_000), null, 0))
                .Apply(new ApiKeyCreated(Keys[1], "", Units(700), null, 0))
                .Apply(new ChannelOpened(Channel, AddressOf(9), Config, Units(1_000), 0))
                .Apply(new AcceptanceAdopted(Plain(0, 0), 0));
            var start = book;
            var taken = new List<LedgerEvent>();
            var spent = new Dictionary<Bytes32, BigInteger>();
            foreach (var step in steps)
            {
                var happened = CustomerEvent(step, book);
                if (!Try(() => book.Apply(happened), out var next))
                {
                    continue;
                }

                Assert.True(next.Channels[Channel].Ceiling >= book.Channels[Channel].Ceiling);
                Assert.True(next.Channels[Channel].Index >= book.Channels[Channel].Index);
                book = next;
                _ = happened is ReceiptReceived ? Interlocked.Increment(ref receipts) : 0;
                taken.Add(happened);
                if (happened is BudgetCharged charge)
                {
                    spent[charge.KeyHash] = spent.GetValueOrDefault(charge.KeyHash) + charge.Charged.Units;
                }

                AddsUp(book, spent);
            }

            var again = taken.Aggregate(start, (now, happened) => now.Apply(happened));
            Assert.Equal(book.Channels, again.Channels);
            Assert.Equal(book.ApiKeys, again.ApiKeys);
        }, iter: 500);
        // Enough of them could follow for this to mean something.
        Assert.InRange(receipts, 150, int.MaxValue);
    }

    [Fact]
    public void A_providers_money_adds_up_after_any_sequence_of_events()
    {
        var receipts = 0;
        Steps.Sample(steps =>
        {
            var book = ProviderBook.Empty.Apply(Seen(1_000)).Apply(new AcceptanceSigned(Plain(0, 0), 0));
            BigInteger earned = 0;
            var started = new HashSet<RequestId>();
            foreach (var step in steps)
            {
                var happened = ProviderEvent(step, book);
                if (!Try(() => book.Apply(happened), out var next))
                {
                    continue;
                }

                Assert.True(next.Channels[Channel].Ceiling >= book.Channels[Channel].Ceiling);
                book = next;
                _ = happened is ReceiptSigned ? Interlocked.Increment(ref receipts) : 0;
                earned += happened is ReceiptSigned receipt ? receipt.Receipt.Message.Charge.Units : 0;
                Assert.True(happened is not RequestAdmitted admitted || started.Add(admitted.Request));
                var channel = book.Channels[Channel];
                Assert.True(channel.Base <= channel.Ceiling);
                Assert.Equal(earned, (BigInteger)channel.Base.Units);
                Assert.Equal(book.Earned, channel.Base);
                Assert.True(channel.Claimed <= channel.Base && channel.Claiming <= channel.Base);
                Assert.True(book.Open().Count <= 1);
                Assert.Equal(channel.Request, book.Open().SingleOrDefault()?.Admitted.Request);
            }
        }, iter: 500);
        // Enough of them could follow for this to mean something.
        Assert.InRange(receipts, 150, int.MaxValue);
    }

    private static void AddsUp(CustomerBook book, Dictionary<Bytes32, BigInteger> spent)
    {
        foreach (var account in book.ApiKeys.Values)
        {
            var reserved = book.Reservations.Values.Where(one => one.KeyHash == account.KeyHash)
                .Aggregate(BigInteger.Zero, (sum, one) => sum + one.Amount.Units);
            Assert.Equal(reserved, (BigInteger)account.Reserved.Units);
            Assert.Equal(spent.GetValueOrDefault(account.KeyHash), (BigInteger)account.Spent.Units);
            Assert.True(reserved + account.Spent.Units <= account.Budget.Units);
        }

        var channel = book.Channels[Channel];
        Assert.True(channel.Base <= channel.Ceiling && channel.Ceiling <= channel.Deposit);
        Assert.Equal(
            channel.State == CustomerChannelState.Closed ? Units(0) : channel.Ceiling - channel.Base, book.Exposure);
        Assert.True(channel.State != CustomerChannelState.Idle || channel.Request is null);
    }

    // Numbers are drawn around what would fit, so that about every other event can follow.
    private static LedgerEvent CustomerEvent((int Kind, int Who, ulong Amount, ulong Number) step, CustomerBook book)
    {
        var (kind, who, amount, number) = step;
        var (id, key) = (Request(who), Keys[who % 2]);
        var channel = book.Channels[Channel];
        return kind switch
        {
            0 => new BudgetReserved(id, key, Units(amount / 3), 0),
            1 => new BudgetCharged(id, key, Units(amount / 4), 0),
            2 => new BudgetReleased(id, key, 0),
            3 => new VoucherIssued(
                Promise(channel.Ceiling, number), channel.Request ?? id,
                channel.Index + (channel.Request is null ? number % 3 : 0), channel.Request is null ? 0 : number, 0),
            4 => Sent(who, channel.Index) with { Request = channel.Request ?? id },
            5 or 6 => new ReceiptReceived(Ended(channel.Request ?? id, channel.Index, channel.Base, number), 0),
            7 => new RequestRefused(channel.Request ?? id, Channel, "", 0),
            8 => new AcceptanceAdopted(Plain((ulong)channel.Base.Units + (number / 11), channel.Index), 0),
            _ when number > 11 && amount < 100 => new ChannelFrozen(Channel, "", "", null, 0),
            _ when number > 11 && amount < 200 => new WithdrawalStarted(Channel, Units(1), 0),
            _ => new ChannelBalanceSeen(Channel, channel.Deposit + Units(number), Units(0), 0),
        };
    }

    private static LedgerEvent ProviderEvent((int Kind, int Who, ulong Amount, ulong Number) step, ProviderBook book)
    {
        var (kind, who, amount, number) = step;
        var channel = book.Channels[Channel];
        var id = Request((int)(amount % 40) + who);
        return kind switch
        {
            0 or 1 => new VoucherAccepted(
                Promise(channel.Ceiling, number), channel.Request ?? id, channel.Request is null ? 0 : number, 0),
            2 or 3 => Admitted((int)(amount % 40) + who, channel.Index + (number % 3)),
            4 or 5 => new ReceiptSigned(Ended(channel.Request ?? id, channel.Index, channel.Base, number), 0),
            6 => new ClaimSubmitted(Hash($"{amount}"), [new ClaimedChannel(Channel, channel.Base)], 0),
            7 when book.Claims.Count > 0 => new ClaimMined(book.Claims.Keys.First(), Hash("tx"), 1, 0),
            7 => new PrefillBegun(channel.Request ?? id, number, 0, Hash("prompt"), 0),
            8 => new AcceptanceSigned(Plain((ulong)channel.Base.Units + (number / 11), channel.Index), 0),
            _ => new DeliveryCounted(channel.Request ?? id, number, 0),
        };
    }

    private static bool Try<T>(Func<T> apply, out T next)
    {
        try
        {
            next = apply();
            return true;
        }
        catch (InvalidOperationException)
        {
            next = default!;
            return false;
        }
    }

    // Books do not look at signatures.
    private static Voucher Promise(Amount ceiling, ulong number) =>
        new(Channel, number == 0 ? Amount.SubtractToZero(ceiling, Units(1)) : ceiling + Units(number * 10), default);

    private static Signed<Acceptance> Plain(ulong charged, ulong index) =>
        new(new Acceptance(Channel, Units(charged), index, Hash("anchor"), 0), default);

    private static Signed<Receipt> Ended(RequestId request, ulong index, Amount sum, ulong number) => new(
        Receipts.Message with
        {
            RequestId = request, Index = index, Charge = Units(number), Cumulative = sum + Units(number),
        },
        default);

    private static readonly Signed<Receipt> Receipts = Receipt(1, 1, 1, 1);
}
