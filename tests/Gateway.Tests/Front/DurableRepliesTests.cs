using System.Text;
using System.Text.Json.Nodes;
using Souk.Gateway.Front;
using Souk.Gateway.Front.Idempotency;
using Souk.Gateway.Tests.Keys;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Testbed.Stores;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Gateway.Tests.Front;

/// <summary>A named request is charged once, and answered alike, whatever happens to the gateway meanwhile.</summary>
public sealed class DurableRepliesTests
{
    private const string Question = "Hello there";

    // 28 input tokens at 2, 12 output tokens at 6.
    private static readonly Amount OneAnswer = new(28 + (12 * 6));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_reply_survives_a_kill_byte_for_byte(bool isStreamed) => MarketHarness.Run(async market =>
    {
        var first = await SendAsync(market, "one", isStreamed);
        await market.CrashGatewayAsync();
        await market.StartGatewayAsync();
        var again = await SendAsync(market, "one", isStreamed);

        Assert.Equal((200, 200), (first.Status, again.Status));
        Assert.Equal(first.Text, again.Text);
        Assert.Equal(first.Headers["x-request-id"], again.Headers["x-request-id"]);
        Assert.Equal(first.Headers["content-type"], again.Headers["content-type"]);
        Assert.Equal("true", again.Headers["idempotent-replayed"]);
        Assert.Equal((OneAnswer, 12), (market.Account.Spent, market.Engine.Generated));
        Assert.Equal(
            "idempotency_key_reused",
            (await SendAsync(market, "one", isStreamed, body => body["max_tokens"] = 3)).ErrorCode);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_request_that_died_with_the_gateway_after_its_charge_is_not_charged_again(bool isStreamed) =>
        MarketHarness.Run(async market =>
    {
        market.Engine.Tokens = 200;
        var dying = SendAsync(market, "dies", isStreamed);
        await market.UntilAsync(() => market.Engine.Generated > 30, "the answer is under way");
        await market.CrashGatewayAsync();
        Assert.True((await dying).IsBroken);

        await market.StartGatewayAsync();
        var replies = await UntilSettledAsync(market, "dies", isStreamed);

        Assert.All(replies[..^1], reply =>
            Assert.Equal((409, "idempotency_key_in_use"), (reply.Status, reply.ErrorCode)));
        Assert.Equal((400, "idempotency_reply_not_kept"), (replies[^1].Status, replies[^1].ErrorCode));
        var money = await MoneySeen.OfAsync(market);
        Assert.True(money.Spent > Amount.Zero);
        Assert.Equal(money.CustomerBase, money.Spent);
        Assert.Equal(400, (await SendAsync(market, "dies", isStreamed)).Status);
        Assert.Equal(money.Spent, market.Account.Spent);
    });

    [Fact]
    public void A_request_that_died_before_its_provider_saw_it_is_done_then() => MarketHarness.Run(
        new MarketOptions { Provider = provider => new FirstIsLost(provider) }, async market =>
    {
        var dying = SendAsync(market, "unseen");
        await market.UntilAsync(() => market.Gateway.Book.Names.Count == 1, "the money is set aside");
        await market.CrashGatewayAsync();
        await dying;
        await market.StartGatewayAsync();
        var replies = await UntilSettledAsync(market, "unseen", isStreamed: false);

        Assert.Equal(200, replies[^1].Status);
        Assert.Null(replies[^1].Headers["idempotent-replayed"]);
        Assert.Equal(OneAnswer, market.Account.Spent);
        Assert.Equal(replies[^1].Text, (await SendAsync(market, "unseen")).Text);
        Assert.Equal(OneAnswer, market.Account.Spent);
    });

    [Fact]
    public void After_a_day_a_name_is_free_and_its_reply_gone() => MarketHarness.Run(async market =>
    {
        var first = await SendAsync(market, "daily");
        market.Scheduler.JumpWallClock(TimeSpan.FromHours(23.9));
        await market.WaitAsync(1);
        Assert.Equal(first.Text, (await SendAsync(market, "daily")).Text);
        await market.WaitAsync(1_500);

        Assert.Equal((0, 0), (market.GatewayDisk.Notes, market.Gateway.Book.Names.Count));
        Assert.Null((await SendAsync(market, "daily")).Headers["idempotent-replayed"]);
        Assert.Equal(OneAnswer + OneAnswer, market.Account.Spent);
    });

    [Fact]
    public void The_disk_tells_neither_question_nor_answer_nor_name() => MarketHarness.Run(async market =>
    {
        var reply = await SendAsync(market, "a telling name");
        var answer = (string)reply.Json["choices"]![0]!["message"]!["content"]!;
        Assert.True(answer.Length > 10);
        var name = ReplayName.Of(market.Key.Secret, "a telling name", Request("a telling name", false, null));
        Assert.NotNull(market.Gateway.Book.Names.Find(name.Id, market.Now * 1000));
        await market.CrashGatewayAsync();

        await using var disk = market.GatewayDisk.Open(market.Time, TimeSpan.Zero);
        var note = await disk.FindNoteAsync(name.Id.ToString(), default);
        Assert.NotNull(note);
        var written = new List<byte[]> { note.Value.ToArray() };
        await foreach (var row in disk.ReadAsync(0, default))
        {
            written.Add([.. Encoding.UTF8.GetBytes(row.Key), .. row.Body.Span]);
        }

        foreach (var bytes in written)
        {
            foreach (var secret in (string[])[Question, answer, answer[..10], "telling", market.Key.Secret])
            {
                Assert.True(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(secret)) < 0, secret);
            }
        }

        // It takes the key's secret and the name to read it, and it cannot be changed.
        var appRequest = RequestId.Parse(reply.Headers["x-request-id"]!["req_".Length..]);
        var other = ReplayName.Of("sk-souk-other", "a telling name", Request("a telling name", false, null));
        Assert.Null(other.Unseal(appRequest, note.Value.Span));
        Assert.Equal(reply.Text, Encoding.UTF8.GetString(
            KeptReply.FromBytes(name.Unseal(appRequest, note.Value.Span)!)!.Body!.Value.Span));
        var changed = note.Value.ToArray();
        changed[^1] ^= 1;
        Assert.Null(name.Unseal(appRequest, changed));
    });

    [Fact]
    public void An_app_may_ask_that_its_reply_be_kept_nowhere() => MarketHarness.Run(async market =>
    {
        var first = await SendAsync(market, "private", keep: "false");
        var again = await SendAsync(market, "private", keep: "false");

        Assert.Equal((200, 400), (first.Status, again.Status));
        Assert.Equal("idempotency_reply_not_kept", again.ErrorCode);
        Assert.Equal(0, market.GatewayDisk.Notes);
        Assert.Equal(OneAnswer, market.Account.Spent);
    });

    [Fact]
    public void An_owner_may_set_that_a_keys_replies_are_kept_nowhere() => MarketHarness.Run(async market =>
    {
        Assert.Equal(200, (await SendAsync(market, "kept")).Status);
        Assert.Equal(1, market.GatewayDisk.Notes);
        await market.OwnerAsync("PATCH", $"keys/{market.Key.Hash}", "{\"keep_replies\":false}");

        // Whatever the app asks.
        var first = await SendAsync(market, "dropped", keep: "true");
        var again = await SendAsync(market, "dropped", keep: "true");

        Assert.Equal((200, 400), (first.Status, again.Status));
        Assert.Equal("idempotency_reply_not_kept", again.ErrorCode);
        Assert.Equal(1, market.GatewayDisk.Notes);
        Assert.Equal(OneAnswer + OneAnswer, market.Account.Spent);
    });

    [Fact]
    public void Names_and_kept_bytes_of_a_key_are_counted_and_let_go()
    {
        var book = CustomerBook.Empty;
        for (byte i = 0; i < 10; i++)
        {
            // Kept again under the same name, it counts once.
            var kept = new ReplyKept(Name(i), Name(i), Bytes32.Zero, default, i * 10UL, i);
            book = book.Apply(kept with { Bytes = 1 }).Apply(kept);
        }

        Assert.Equal(new NamesHeld(10, 450), book.Names.HeldBy(Bytes32.Zero));
        // Those of 0 to 5 ms are over.
        var later = book.Forget(NamedRequest.KeptMs + 5).Names;
        Assert.Equal(new NamesHeld(4, 300), later.HeldBy(Bytes32.Zero));
        Assert.Null(book.Names.Find(Name(3), NamedRequest.KeptMs + 3));
        Assert.NotNull(book.Names.Find(Name(4), NamedRequest.KeptMs + 3));
        Assert.Equal(default, book.Forget(2 * NamedRequest.KeptMs).Names.HeldBy(Bytes32.Zero));
    }

    [Fact]
    public async Task A_key_with_too_many_names_is_refused_before_any_work_and_too_many_bytes_are_not_kept()
    {
        await using var disk = new MemoryStore().Open(TimeProvider.System, TimeSpan.Zero);
        var journal = await Journal.OpenAsync<CustomerBook>(disk, default);
        async Task<(int Status, bool IsReplay)> AskAsync(ReplayDesk desk, string name)
        {
            var response = new KeptResponse();
            await desk.AnswerAsync(
                "secret", Bytes32.Zero, new Visit(Request(name, false, null), response, default, []),
                async (answer, _, stop) => await answer.SendJsonAsync(200, "{\"text\":\"\"}"u8.ToArray(), stop),
                error => response.SendJsonAsync(error.Status, error.ToJson(), default), default);
            return (response.Status, response.Headers["idempotent-replayed"] is not null);
        }

        Assert.Equal((200, false), await AskAsync(new ReplayDesk(journal, TimeProvider.System), "a"));
        var size = journal.Book.Names.HeldBy(Bytes32.Zero).Bytes;
        var desk = new ReplayDesk(journal, TimeProvider.System) { MostNames = 2, MostKeptBytes = 2 * size };

        // The third is not kept, and since it cost nothing it is done again.
        Assert.Equal((200, true), await AskAsync(desk, "a"));
        Assert.Equal((200, false), await AskAsync(desk, "b"));
        Assert.Equal((200, true), await AskAsync(desk, "b"));
        Assert.Equal((429, false), await AskAsync(desk, "c"));
        var wider = new ReplayDesk(journal, TimeProvider.System) { MostKeptBytes = 2 * size };
        Assert.Equal((200, false), await AskAsync(wider, "c"));
        Assert.Equal((200, false), await AskAsync(wider, "c"));
        Assert.Equal(new NamesHeld(2, 2 * size), journal.Book.Names.HeldBy(Bytes32.Zero));
    }

    /// <summary>Loses the first paid request on its way.</summary>
    private sealed class FirstIsLost(IWireHandler provider) : IWireHandler
    {
        private bool _isLost;

        public Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
        {
            if (_isLost || request.Method != "POST" || request.Path != NodePaths.ChatCompletions)
            {
                return provider.HandleAsync(request, response, aborted);
            }

            _isLost = true;
            return new TaskCompletionSource().Task.WaitAsync(aborted);
        }
    }

    private sealed class KeptResponse : IWireResponse
    {
        public int Status { get; private set; }

        public WireHeaders Headers { get; private set; } = [];

        public ValueTask StartAsync(int status, WireHeaders headers, CancellationToken cancellation)
        {
            (Status, Headers) = (status, headers);
            return ValueTask.CompletedTask;
        }

        public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation) =>
            ValueTask.CompletedTask;
    }

    private static Bytes32 Name(byte number) => Sha.Hash([number]);

    private static async Task<List<AppReply>> UntilSettledAsync(MarketHarness market, string name, bool isStreamed)
    {
        List<AppReply> replies = [];
        do
        {
            replies.Add(await SendAsync(market, name, isStreamed));
            Assert.True(replies.Count < 30, "It never settled.");
        }
        while (replies[^1].Status == 409);
        return replies;
    }

    private static Task<AppReply> SendAsync(
        MarketHarness market, string name, bool isStreamed = false, Action<JsonObject>? change = null,
        string? keep = null)
    {
        var request = Request(name, isStreamed, change);
        if (keep is not null)
        {
            request.Headers["x-souk-keep-reply"] = keep;
        }

        return market.App.SendAsync(request, default);
    }

    private static WireRequest Request(string name, bool isStreamed, Action<JsonObject>? change)
    {
        var body = new JsonObject
        {
            ["model"] = MarketHarness.ModelName,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = Question }),
            ["stream"] = isStreamed,
        };
        change?.Invoke(body);
        var request = WireRequest.Json("POST", "/v1/chat/completions", Encoding.UTF8.GetBytes(body.ToJsonString()));
        request.Headers["idempotency-key"] = name;
        return request;
    }
}
