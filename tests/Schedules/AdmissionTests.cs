using System.Numerics;
using System.Reflection;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Souk.Chain;
using Souk.Ledger;
using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Ledger.Selling;
using Souk.OpenAi.Chat;
using Souk.Protocol;
using Souk.Provider;
using Souk.Provider.Channels;
using Souk.Provider.Requests;
using Souk.Schedules.Exploring;
using Souk.Wire.Paid;

namespace Souk.Schedules;

/// <summary>
/// Three requests on a provider's one channel, two of them under one id, each tried again once. The provider gives
/// the indices, as it does for plain clients.
/// </summary>
[Collection(Explorer.OneByOne)]
public sealed class AdmissionTests
{
    private const ulong NowMs = 10_000;

    // A prompt of 10 at 1, and 5 tokens of output at 2.
    private const ulong Price = 20;
    private static readonly byte[] Body = Encoding.UTF8.GetBytes(
        """{"model":"demo","max_tokens":5,"messages":[{"role":"user","content":"hello"}]}""");

    private static readonly Voucher[] Vouchers =
    [
        .. Enumerable.Range(1, 6).Select(
            number => Voucher.Sign(Customer, Escrow, Channel, Units(Price * (ulong)number))),
    ];

    private static readonly Priced Asked = new(
        AnOffer, Hash("offer"), null!, ChatRequest.Parse(Body).Value, [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]);

    [Fact]
    public void An_index_is_taken_once_and_a_ceiling_never_falls() =>
        Explorer.Passes(nameof(An_index_is_taken_once_and_a_ceiling_never_falls), RunAsync);

    private static async Task RunAsync()
    {
        var ledger = new StepLedger<ProviderBook>(States.Of);
        var journal = await Journal.OpenAsync<ProviderBook>(ledger, default);
        await journal.RecordAsync(
            new ChannelSeen(Channel, Config, Units(1_000), Units(1_000), Amount.Zero, false, 17, NowMs));
        var chain = DispatchProxy.Create<IMarketChain, NetworkOnly>();
        using var watch = new ChainWatch(chain, journal, new Standing(), NullLogger<ChainWatch>.Instance);
        var options = new ProviderOptions
        {
            Provider = AnOffer.Provider, Payout = Config.Receiver, NodeKey = Node, AuthorizerKey = Key(3),
            GasKey = Key(4), Endpoint = AnOffer.Endpoint, Models = [],
        };

        // Offers and chains of nonces are for requests that bring an index of their own.
        var admission = new Admission(options, chain, journal, watch, null!, null!, new Standing());
        var working = new HashSet<Bytes32>();
        Task<int>[] requests =
        [
            Task.Run(() => RequestAsync(admission, journal, ledger, working, 1)),
            Task.Run(() => RequestAsync(admission, journal, ledger, working, 1)),
            Task.Run(() => RequestAsync(admission, journal, ledger, working, 2)),
        ];
        var served = (await Task.WhenAll(requests)).Sum();

        Assert.InRange(served, 1, 2);
        Assert.Equal(States.Of(journal.Book), States.Of(journal.Durable));
        Assert.Equal(
            States.Of((await Journal.OpenAsync<ProviderBook>(ledger, default)).Book), States.Of(journal.Book));
        CheckRows(ledger.Rows, served);
    }

    // How often it was served.
    private static async Task<int> RequestAsync(
        Admission admission, Journal<ProviderBook> journal, StepLedger<ProviderBook> ledger, HashSet<Bytes32> working,
        int number)
    {
        var served = 0;
        for (var turn = 0; turn < 2; turn++)
        {
            var voucher = Vouchers[(int)(journal.Book.Channels[Channel].Base.Units / Price)];
            var paid = new PaidRequest(
                Numbered.Request(number), Hash("offer"), 0, Hash("nonce"), default, Config, voucher);
            var result = await admission.AdmitPlainAsync(paid, Body, Asked, Hash("provider nonce"));
            Assert.True(ledger.HasAcknowledged(journal.Durable), "Durable runs ahead of the store.");
            if (!result.TryGet(out var done, out var refusal))
            {
                Assert.True(
                    refusal.Code is "channel_busy" or "request_repeated" or "voucher_out_of_step", refusal.Code);
                await Task.Yield();
                continue;
            }

            // Work begins only when the voucher is durable.
            Assert.Contains(ledger.Rows, row => row.Kind == "request_admitted" && row.Key == paid.Id.ToString());
            Assert.True(working.Add(Channel), "A channel serves two requests.");
            await Task.Yield();
            working.Remove(Channel);
            var index = done.Admitted.Paid.Index;
            await journal.RecordAsync(new ReceiptSigned(Receipt(paid, index, voucher.MaxClaimable), NowMs));
            served++;
        }

        return served;
    }

    // The signature is nobody's, which a book does not look at.
    private static Signed<Receipt> Receipt(PaidRequest paid, ulong index, Amount cumulative) => new(
        new Receipt(
            paid.Id, index, Channel, Hash("offer"), Model, Hash("request"), Hash("prompt"), Hash("output"),
            Hash("nonce"), Hash("provider nonce"), KeySources.Provider, SamplingParameters.Default, 10, 0, 5,
            Units(Price), cumulative, Protocol.FinishReasons.Stop, 1, 2, 3, Hash("fingerprints")),
        paid.Voucher.Signature);

    // By the rows' own texts.
    private static void CheckRows(IReadOnlyList<LedgerRow> rows, int served)
    {
        var (index, isBusy, ceiling) = (0, false, BigInteger.Zero);
        var seen = new HashSet<string>();
        foreach (var row in rows)
        {
            using var body = JsonDocument.Parse(row.Body);
            switch (row.Kind)
            {
                case "voucher_accepted":
                    var next = Numbered.Units(body.RootElement.GetProperty("voucher"), "max_claimable");
                    Assert.Equal(ceiling + Price, next);
                    ceiling = next;
                    break;
                case "request_admitted":
                    Assert.False(isBusy, "A channel serves two requests.");
                    Assert.True(seen.Add(row.Key), "A request was admitted twice.");
                    Assert.Equal(++index, body.RootElement.GetProperty("index").GetInt32());
                    isBusy = true;
                    break;
                case "receipt_signed":
                    isBusy = false;
                    break;
            }
        }

        Assert.Equal((served, false), (index, isBusy));
    }

    // The rules ask the chain nothing but which network it is.
    public class NetworkOnly : DispatchProxy
    {
        private static readonly NetworkFile Network = new(
            31337, ["http://127.0.0.1:1"], Escrow.Escrow, AddressOf(90), AddressOf(92), Config.Token, 6, 1, 1, 60, null,
            null, []);

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
            targetMethod?.Name == "get_Network" ? Network : throw new NotSupportedException(targetMethod?.Name);
    }

    private sealed class Standing : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds((long)NowMs);
    }
}
