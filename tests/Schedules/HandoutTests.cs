using System.Numerics;
using System.Text.Json;
using Souk.Gateway.Channels;
using Souk.Gateway.Chat;
using Souk.Ledger;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Market.Budgets;
using Souk.Protocol;
using Souk.Schedules.Exploring;

namespace Souk.Schedules;

/// <summary>
/// Four requests at two channels. Each takes one as the gateway does, or waits until one is returned; all have to be
/// served, so a wake-up that is lost is a deadlock.
/// </summary>
[Collection(Explorer.OneByOne)]
public sealed class HandoutTests
{
    private const int Requests = 4;
    private const ulong NowMs = 1_800_000_000_000;

    // A prompt of 10 at 1, and output at 2: the first slice costs 10 + 8 * 2, all of it 10 + 20 * 2.
    private const ulong FirstSlice = 26;
    private const ulong Worst = 50;
    private static readonly Prices OneAndTwo = new(Units(1_000_000), Units(1_000_000), Units(2_000_000));
    private static readonly Bytes32 KeyHash = Hash("key");
    private static readonly ChannelHandout Desk = new(Customer, Escrow, new ExposureCaps(Units(1_000), Units(1_000)));
    private static readonly LedgerEvent[] OneChannel =
        [new ApiKeyCreated(KeyHash, "one", Units(Requests * Worst), null, NowMs), .. Open("first")];

    private static readonly LedgerEvent[] TwoChannels = [.. OneChannel, .. Open("second")];

    private delegate Task<Result<HandedOut>> Handing(Journal<CustomerBook> journal, Taking taking);

    [Fact]
    public void A_channel_serves_one_request_at_a_time_and_nobody_waits_for_ever() => Explorer.Passes(
        nameof(A_channel_serves_one_request_at_a_time_and_nobody_waits_for_ever), () => RunAsync(TakeAsync));

    [Fact]
    public void Choosing_outside_of_the_lock_is_found() => Explorer.Finds(
        "InvalidOperationException", nameof(Choosing_outside_of_the_lock_is_found), () => RunAsync(TakeOutsideAsync));

    [Fact]
    public void Looking_before_one_waits_is_found() => Explorer.Finds(
        "Deadlock detected", nameof(Looking_before_one_waits_is_found),
        () => RunAsync(TakeAsync, looksFirst: true, OneChannel, 2));

    private static Task RunAsync(Handing take) => RunAsync(take, looksFirst: false, TwoChannels, Requests);

    private static async Task RunAsync(Handing take, bool looksFirst, LedgerEvent[] beginning, int count)
    {
        var ledger = new StepLedger<CustomerBook>(States.Of);
        var journal = await Journal.OpenAsync<CustomerBook>(ledger, default);
        await journal.RecordAsync(beginning);
        var (signal, inHand) = (new ReadySignal(), new HashSet<Bytes32>());
        Task[] requests =
        [
            .. Enumerable.Range(1, count).Select(number => Task.Run(
                () => RequestAsync(journal, ledger, take, signal, inHand, looksFirst, number))),
        ];
        await Task.WhenAll(requests);

        Assert.Equal(States.Of(journal.Book), States.Of(journal.Durable));
        Assert.Equal(
            States.Of((await Journal.OpenAsync<CustomerBook>(ledger, default)).Book), States.Of(journal.Book));
        CheckRows(ledger.Rows, count);
    }

    private static async Task RequestAsync(
        Journal<CustomerBook> journal, StepLedger<CustomerBook> ledger, Handing take, ReadySignal signal,
            HashSet<Bytes32> inHand,
        bool looksFirst, int number)
    {
        var taking = new Taking(
            KeyHash, Numbered.Request(100 + number), Numbered.Request(number), Units(Worst), OneAndTwo, 10, 8, 20,
            NowMs);
        HandedOut? handed;
        while (true)
        {
            var ready = signal.Next;
            if ((await take(journal, taking)).TryGet(out handed, out var refusal))
            {
                break;
            }

            Assert.Equal(ChannelHandout.NoChannel, refusal.Code);
            await (looksFirst ? signal.Next : ready);
        }

        // A voucher leaves only after it is durable.
        Assert.Contains(ledger.Rows, row => row.Kind == "voucher_issued" && row.Key == taking.Request.ToString());
        Assert.True(ledger.HasAcknowledged(journal.Durable), "Durable runs ahead of the store.");
        Assert.True(inHand.Add(handed.Channel.Id), "Two requests hold one channel.");
        await Task.Yield();
        inHand.Remove(handed.Channel.Id);
        var charge = Units(10 + (2 * (ulong)number));
        await journal.RecordAsync(
            new ReceiptReceived(Receipt(handed, charge), NowMs),
            new BudgetCharged(taking.AppRequest, KeyHash, charge, NowMs));
        signal.Signal();
    }

    private static Task<Result<HandedOut>> TakeAsync(Journal<CustomerBook> journal, Taking taking) =>
        journal.RecordAsync<HandedOut>(book =>
        {
            if (!Desk.Decide(book, taking, _ => true).TryGet(out var handed, out var refused))
            {
                return refused;
            }

            return (Events(handed, taking), handed);
        });

    // The planted mistake: by a book that may be an old one when its decision is recorded.
    private static async Task<Result<HandedOut>> TakeOutsideAsync(Journal<CustomerBook> journal, Taking taking)
    {
        if (Desk.Decide(journal.Book, taking, _ => true).TryGet(out var handed, out var refused))
        {
            await journal.RecordAsync(Events(handed, taking));
            return handed;
        }

        return refused;
    }

    private static LedgerEvent[] Events(HandedOut handed, Taking taking) =>
    [
        handed.Reserved, handed.Issued,
        new RequestSent(
            taking.Request, taking.AppRequest, handed.Channel.Id, handed.Issued.Index, Hash("offer"), Hash("nonce"),
            "000102030405060708090a0b0c0d0e0f", Hash("request"), Hash("prompt"), 10, 20, KeySources.TwoParty, NowMs),
    ];

    // The signature is nobody's, which a book does not look at; whoever receives a receipt does.
    private static Signed<Receipt> Receipt(HandedOut handed, Amount charge) => new(
        new Receipt(
            handed.Issued.Request, handed.Issued.Index, handed.Channel.Id, Hash("offer"), Model, Hash("request"),
            Hash("prompt"), Hash("output"), Hash("nonce"), Hash("provider nonce"), KeySources.TwoParty,
            SamplingParameters.Default, 10, 0, 20, charge, handed.Channel.Base + charge, FinishReasons.Stop, 1, 2, 3,
            Hash("fingerprints")),
        handed.Issued.Voucher.Signature);

    private static LedgerEvent[] Open(string salt)
    {
        var config = Config with { Salt = Hash(salt) };
        var acceptance = new Acceptance(
            config.Id(Escrow), Amount.Zero, 0, new NonceChain(Hash(salt)).Anchor, 1_000);
        return
        [
            new ChannelOpened(config.Id(Escrow), AddressOf(9), config, Units(1_000), NowMs),
            new AcceptanceAdopted(Signed<Acceptance>.Sign(acceptance, Node, Domain), NowMs),
        ];
    }

    // By the rows' own texts: between two vouchers of a channel stands the first one's receipt, every index is the one
    // after the last, and no ceiling goes beyond the base and a slice.
    private static void CheckRows(IReadOnlyList<LedgerRow> rows, int count)
    {
        var (indices, bases) = (new Dictionary<string, int>(), new Dictionary<string, BigInteger>());
        var (busy, highest) = (new HashSet<string>(), new Dictionary<string, BigInteger>());
        foreach (var row in rows)
        {
            using var body = JsonDocument.Parse(row.Body);
            if (row.Kind == "voucher_issued")
            {
                var voucher = body.RootElement.GetProperty("voucher");
                var channel = voucher.GetProperty("channel_id").GetString()!;
                Assert.True(busy.Add(channel), "A channel was handed out twice.");
                Assert.Equal(indices.GetValueOrDefault(channel) + 1, body.RootElement.GetProperty("index").GetInt32());
                indices[channel] = indices.GetValueOrDefault(channel) + 1;
                var most = BigInteger.Max(
                    bases.GetValueOrDefault(channel) + FirstSlice, highest.GetValueOrDefault(channel));
                Assert.Equal(most, highest[channel] = Numbered.Units(voucher, "max_claimable"));
            }
            else if (row.Kind == "receipt_received")
            {
                var receipt = body.RootElement.GetProperty("receipt").GetProperty("message");
                var channel = receipt.GetProperty("channel_id").GetString()!;
                Assert.True(busy.Remove(channel), "A channel was returned twice.");
                bases[channel] = Numbered.Units(receipt, "cumulative");
            }
        }

        Assert.Empty(busy);
        Assert.Equal(count, indices.Values.Sum());
    }
}
