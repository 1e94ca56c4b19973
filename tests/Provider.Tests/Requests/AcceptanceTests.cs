using Souk.Ledger;
using Souk.Testbed.Market;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Provider.Tests.Requests;

/// <summary>The engine may begin while voucher and admission are still on their way to the disk; nothing that follows
/// from them leaves before they are there.</summary>
public sealed class AcceptanceTests
{
    private readonly List<string> _sent = [];
    private readonly List<HeldLedger> _ledgers = [];

    private HeldLedger Ledger => _ledgers[^1];

    private MarketOptions Options => new()
    {
        WarmChannels = 0,
        Provider = handler => new Watched(handler, _sent),
        ProviderParts = parts =>
        {
            _ledgers.Add(new HeldLedger(parts.Ledger));
            return parts with { Ledger = Ledger };
        },
    };

    [Theory]
    [InlineData(0UL)]
    [InlineData(1_000UL)]
    public void Nothing_of_an_answer_leaves_before_its_acceptance_is_durable(ulong gather) =>
        MarketHarness.Run(Options, async market =>
        {
            var buyer = new Buyer(market);
            var channel = await buyer.OpenAsync();
            var body = buyer.Body();
            var request = await buyer.NextAsync(channel, body, 64) with { Gather = gather };
            _sent.Clear();
            Ledger.Hold();

            var sending = buyer.SendAsync(request, body);
            await market.UntilAsync(() => market.Engine.Running == 1, "the engine has begun");
            var asking = buyer.Client.GetRequestAsync(market.ProviderTarget, request.Id, CancellationToken.None);
            await market.WaitAsync(5);

            Assert.Empty(_sent);
            Assert.False(asking.IsCompleted, "What the engine made was told before the acceptance was durable.");
            Assert.DoesNotContain(await AdmittedAsync(market), row => row.Key == request.Id.ToString());
            Ledger.Release();
            var bought = await sending;
            Assert.True(bought.IsDone);
            Assert.Equal(12, bought.Ids.Count);
            Assert.True((await asking).IsOk);
            Assert.Single(await AdmittedAsync(market), row => row.Key == request.Id.ToString());
        });

    [Fact]
    public void A_voucher_that_cannot_be_written_down_stops_the_engine_and_sends_nothing_of_it() =>
        MarketHarness.Run(Options, async market =>
        {
            var buyer = new Buyer(market);
            var channel = await buyer.OpenAsync();
            market.Engine.IsEndless = true;
            var body = buyer.Body();
            var request = await buyer.NextAsync(channel, body, 64);
            _sent.Clear();
            Ledger.Hold();

            var sending = buyer.SendAsync(request, body);
            await market.UntilAsync(() => market.Engine.Running == 1, "the engine has begun");
            Ledger.Fail();
            var bought = await sending;

            Assert.Equal("internal", bought.Code);
            Assert.Null(bought.Reply.ProviderNonce);
            Assert.Null(bought.Receipt);
            Assert.Empty(_sent);
            Assert.Equal(0, market.Engine.Running);
        });

    [Fact]
    public void A_customer_that_leaves_meanwhile_frees_the_engine_at_once() =>
        MarketHarness.Run(Options, async market =>
        {
            var buyer = new Buyer(market);
            var channel = await buyer.OpenAsync();
            market.Engine.IsEndless = true;
            var body = buyer.Body();
            var request = await buyer.NextAsync(channel, body, 64);
            _sent.Clear();
            Ledger.Hold();

            var sending = buyer.SendAsync(request, body);
            await market.UntilAsync(() => market.Engine.Running == 1, "the engine has begun");
            Assert.Null(await buyer.Client.CancelAsync(market.ProviderTarget, request.Id, CancellationToken.None));
            await market.UntilAsync(() => market.Engine.Running == 0, "the engine is free");
            Assert.Equal(["202"], _sent);
            Ledger.Release();
            var bought = await sending;

            // It had begun to read the prompt, as a cancel after that is charged.
            Assert.Equal("cancelled", bought.Reply.Receipt!.Message.FinishReason);
            Assert.Equal(buyer.Cost(body, 0), bought.Reply.Receipt.Message.Charge);
        });

    [Fact]
    public void A_crash_meanwhile_leaves_no_trace_of_the_request() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        var body = buyer.Body();
        var request = await buyer.NextAsync(channel, body, 64);
        _sent.Clear();
        Ledger.Hold();
        var sending = buyer.SendAsync(request, body);
        await market.UntilAsync(() => market.Engine.Running == 1, "the engine has begun");

        await market.CrashProviderAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => sending);
        Assert.Empty(_sent);
        await market.StartProviderAsync();
        var record = await buyer.Client.GetRequestAsync(market.ProviderTarget, request.Id, CancellationToken.None);
        Assert.Equal("request_unknown", record.Refusal!.Code);
        var next = await buyer.BuyAsync(channel);
        Assert.Equal(2UL, next.Receipt!.Message.Index);
        Assert.Equal(next.Receipt.Message.Charge, next.Receipt.Message.Cumulative);
    });

    private static async Task<List<LedgerRow>> AdmittedAsync(MarketHarness market)
    {
        List<LedgerRow> rows = [];
        await foreach (var row in market.ProviderLedger.ReadAsync(0, CancellationToken.None))
        {
            if (row.Kind == "request_admitted")
            {
                rows.Add(row);
            }
        }

        return rows;
    }

    /// <summary>Notes the status of what the provider answers by itself.</summary>
    private sealed class Watched(IWireHandler inner, List<string> sent) : IWireHandler
    {
        public Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted) =>
            request.Path.StartsWith("/souk/v1/requests", StringComparison.Ordinal)
                || request.Path == NodePaths.ChatCompletions
                ? inner.HandleAsync(request, new Response(response, sent), aborted)
                : inner.HandleAsync(request, response, aborted);

        private sealed class Response(IWireResponse inner, List<string> sent) : IWireResponse
        {
            public ValueTask StartAsync(int status, WireHeaders headers, CancellationToken cancellation)
            {
                sent.Add($"{status}");
                return inner.StartAsync(status, headers, cancellation);
            }

            public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation) =>
                inner.WriteAsync(data, cancellation);
        }
    }

    /// <summary>A disk whose syncs take as long as a test likes, and fail where it likes.</summary>
    private sealed class HeldLedger(ILedger inner) : ILedger
    {
        private TaskCompletionSource? _held;

        public long Sequence => inner.Sequence;

        public Protocol.Bytes32 Head => inner.Head;

        public LedgerException? Obstacle => inner.Obstacle;

        public void Hold() => _held = new TaskCompletionSource();

        public void Release() => _held!.SetResult();

        public void Fail() => _held!.SetException(new LedgerFailedException("The disk is gone."));

        public async Task<long> AppendAsync(IReadOnlyList<LedgerEntry> entries, LedgerNote? note = null)
        {
            await (_held?.Task ?? Task.CompletedTask);
            return await inner.AppendAsync(entries, note);
        }

        public IAsyncEnumerable<LedgerRow> ReadAsync(long afterSequence, CancellationToken cancellation) =>
            inner.ReadAsync(afterSequence, cancellation);

        public Task<IReadOnlyList<LedgerRow>> FindAsync(string key, CancellationToken cancellation) =>
            inner.FindAsync(key, cancellation);

        public Task<ReadOnlyMemory<byte>?> FindNoteAsync(string key, CancellationToken cancellation) =>
            inner.FindNoteAsync(key, cancellation);

        public Task ForgetNotesAsync(ulong nowMs) => inner.ForgetNotesAsync(nowMs);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
