using System.Text.Json.Nodes;
using Souk.Engines;
using Souk.Protocol;
using Souk.Testbed.Engines;
using Souk.Testbed.Market;
using Souk.Wire;

namespace Souk.Gateway.Tests.Front;

/// <summary>Embeddings over the paid call: a letter of an input costs 2, and nothing else costs anything.</summary>
public sealed class EmbeddingsTests
{
    private static readonly MarketOptions Embedding = new() { Features = [EngineFeatures.Embeddings] };

    [Fact]
    public void Charge_ledgers_and_receipt_agree_on_the_inputs() => MarketHarness.Run(Embedding, async market =>
    {
        var reply = await AskAsync(market, new JsonArray("Hello", "you"));

        Assert.True(reply.Status == 200, reply.Text);
        Assert.Equal(("list", "tiny"), ((string)reply.Json["object"]!, (string)reply.Json["model"]!));
        Assert.Equal([0, 1], reply.Json["data"]!.AsArray().Select(entry => (int)entry!["index"]!));
        Assert.Equal([5f, 'H', 'o', 0.5f], Numbers(reply, 0));
        Assert.Equal([3f, 'y', 'u', 0.5f], Numbers(reply, 1));
        Assert.Equal((8, 8), ((int)reply.Json["usage"]!["prompt_tokens"]!, (int)reply.Json["usage"]!["total_tokens"]!));

        var told = (await market.Owner().SendAsync(new WireRequest(
            "GET", "/admin/v1/requests/" + reply.Headers["x-request-id"], "",
            new WireHeaders { { "host", "localhost:7010" } }, default, ""))).Json;
        var receipt = told["receipt"]!["message"] ?? told["receipt"]!;
        Assert.Equal(("8", "0", "0", "16", "stop"), (
            receipt["input_tokens"]!.ToString(), receipt["cached_tokens"]!.ToString(),
            receipt["output_tokens"]!.ToString(), receipt["charge"]!.ToString(),
            receipt["finish_reason"]!.ToString()));
        var money = await MoneySeen.OfAsync(market);
        Assert.Equal(new Amount(16), money.Spent);
        Assert.Equal((Amount.Zero, Amount.Zero), (money.Reserved, money.CustomerLosses));
        Assert.Equal((new Amount(16), new Amount(16)), (money.CustomerBase, money.ProviderBase));
        Assert.Equal("0.000016", reply.Json["usage"]!["cost"]!.ToJsonString());
    });

    [Fact]
    public void Base64_is_the_same_numbers_as_little_endian_float32() => MarketHarness.Run(Embedding, async market =>
    {
        var reply = await AskAsync(market, "Hello", body => body["encoding_format"] = "base64");

        var bytes = Convert.FromBase64String((string)reply.Json["data"]![0]!["embedding"]!);
        Assert.Equal(SimulatedEngine.VectorOf([72, 101, 108, 108, 111]),
            Enumerable.Range(0, 4).Select(i => BitConverter.ToSingle(bytes, i * 4)));
    });

    [Fact]
    public void Ids_and_arrays_of_ids_are_inputs_too() => MarketHarness.Run(Embedding, async market =>
    {
        var one = await AskAsync(market, new JsonArray(72, 105));
        var two = await AskAsync(market, new JsonArray(new JsonArray(72, 105), new JsonArray(33)));

        Assert.Equal([2f, 72, 105, 0.5f], Numbers(one, 0));
        Assert.Equal([1f, 33, 33, 0.5f], Numbers(two, 1));
        Assert.Equal(new Amount(5 * 2), market.Account.Spent);
    });

    [Fact]
    public void Inputs_that_fill_more_than_the_context_together_are_taken_one_by_one() =>
        MarketHarness.Run(Embedding, async market =>
        {
            var long_ = new string('x', TinyModel.Context);
            Assert.Equal(200, (await AskAsync(market, new JsonArray(long_, long_))).Status);

            var reply = await AskAsync(market, new JsonArray("a", long_ + "x"));
            Assert.Equal((400, "context_length_exceeded", "input"),
                (reply.Status, reply.ErrorCode!, (string)reply.Json["error"]!["param"]!));
        });

    [Fact]
    public void Many_requests_share_channels_with_no_dispute() => MarketHarness.Run(Embedding, async market =>
    {
        var replies = await Task.WhenAll(Enumerable.Range(1, 6).Select(n => AskAsync(market, new string('x', n))));

        Assert.All(replies, reply => Assert.Equal(200, reply.Status));
        var money = await MoneySeen.OfAsync(market);
        Assert.Equal(new Amount(21 * 2), money.Spent);
        Assert.Equal((money.Spent, money.Spent), (money.CustomerBase, money.ProviderBase));
    });

    [Fact]
    public void Counting_by_usage_bills_what_the_engine_read() => MarketHarness.Run(
        Embedding with { Counting = CountingKinds.Usage }, async market =>
        {
            market.Engine.OvercountsPrompt = 3;
            var reply = await AskAsync(market, "Hello");

            Assert.True(reply.Status == 200, reply.Text);
            Assert.Equal(8, (int)reply.Json["usage"]!["prompt_tokens"]!);
            Assert.Equal(new Amount(8 * 2), market.Account.Spent);
        });

    [Fact]
    public void An_engine_that_fails_charges_nothing_and_may_be_asked_again() =>
        MarketHarness.Run(Embedding, async market =>
        {
            market.Engine.FailsAfter = 0;
            var failed = await AskAsync(market, "Hello");
            market.Engine.FailsAfter = null;
            var worked = await AskAsync(market, "Hello");

            Assert.Equal((502, 200), (failed.Status, worked.Status));
            Assert.Null(failed.Headers["x-should-retry"]);
            Assert.Equal(new Amount(5 * 2), market.Account.Spent);
            Assert.Equal(Amount.Zero, (await MoneySeen.OfAsync(market)).CustomerLosses);
        });

    [Fact]
    public void An_app_that_leaves_pays_by_the_receipt_and_the_channel_goes_on() =>
        MarketHarness.Run(Embedding, async market =>
        {
            market.Engine.PrefillTime = TimeSpan.FromSeconds(5);
            using var leave = new CancellationTokenSource(TimeSpan.FromSeconds(1), market.Time);
            var gone = await AskAsync(market, "Hello", leave: leave.Token);
            Assert.True(gone.IsBroken);
            await market.UntilAsync(() => market.Account.Reserved.IsZero, "the request is settled");

            var money = await MoneySeen.OfAsync(market);
            Assert.Equal((money.ProviderBase, money.ProviderBase), (money.CustomerBase, money.Spent));
            market.Engine.PrefillTime = TimeSpan.FromMilliseconds(10);
            Assert.Equal(200, (await AskAsync(market, "Hello")).Status);
        });

    [Theory]
    [InlineData("not json")]
    [InlineData("{\"data\":[]}")]
    [InlineData("{\"data\":[{\"embedding\":[]}]}")]
    [InlineData("{\"data\":[{\"embedding\":\"AAAA\"}]}")]
    [InlineData("{\"data\":[{\"embedding\":\"AADAfw==\"}]}")]
    [InlineData("{\"data\":[{\"embedding\":[1e99]}]}")]
    [InlineData("{\"data\":[{\"embedding\":[1],\"index\":1}]}")]
    public void Garbage_for_money_is_an_error_that_no_SDK_retries(string body) => MarketHarness.Run(
        Embedding with { Provider = inner => new Garbler(inner, body) }, async market =>
        {
            var reply = await AskAsync(market, "Hello");

            Assert.Equal((422, "malformed_embeddings"), (reply.Status, reply.ErrorCode));
            Assert.Equal("false", reply.Headers["x-should-retry"]);
            Assert.Equal(new Amount(5 * 2), market.Account.Spent);
        });

    [Theory]
    [InlineData("{\"model\":\"tiny\"}", "input", "missing_required_parameter")]
    [InlineData("{\"model\":\"tiny\",\"input\":{}}", "input", "invalid_type")]
    [InlineData("{\"model\":\"tiny\",\"input\":\"\"}", "input", "invalid_value")]
    [InlineData("{\"model\":\"tiny\",\"input\":[\"a\",\"\"]}", "input[1]", "invalid_value")]
    [InlineData("{\"model\":\"tiny\",\"input\":[\"a\",1]}", "input[1]", "invalid_type")]
    [InlineData("{\"model\":\"tiny\",\"input\":[1,\"a\"]}", "input[1]", "invalid_type")]
    [InlineData("{\"model\":\"tiny\",\"input\":[[]]}", "input[0]", "empty_array")]
    [InlineData("{\"model\":\"tiny\",\"input\":\"a\",\"encoding_format\":\"int8\"}", "encoding_format",
        "invalid_value")]
    [InlineData("{\"model\":\"tiny\",\"input\":\"a\",\"dimensions\":0}", "dimensions", "integer_below_min_value")]
    [InlineData("{\"model\":\"tiny\",\"input\":[90000]}", null, "invalid_value")]
    public void A_bad_request_is_refused_and_costs_nothing(string body, string? param, string code) =>
        MarketHarness.Run(Embedding, async market =>
        {
            var reply = await market.App.PostAsync("/v1/embeddings", JsonNode.Parse(body)!.AsObject());

            Assert.Equal((400, code), (reply.Status, reply.ErrorCode));
            Assert.Equal(param, (string?)reply.Json["error"]!["param"]);
            Assert.Equal(Amount.Zero, market.Account.Spent + market.Account.Reserved);
        });

    [Fact]
    public void Too_many_inputs_are_refused() => MarketHarness.Run(Embedding, async market =>
    {
        var inputs = new JsonArray([.. Enumerable.Range(0, 2_049).Select(_ => (JsonNode)"a")]);
        var reply = await AskAsync(market, inputs);

        Assert.Equal((400, "array_above_max_length"), (reply.Status, reply.ErrorCode));
    });

    [Fact]
    public void A_model_that_embeds_does_not_chat() => MarketHarness.Run(Embedding, async market =>
    {
        var chat = await market.App.ChatAsync();
        var text = await market.App.PostAsync(
            "/v1/completions", new JsonObject { ["model"] = "tiny", ["prompt"] = "x" });

        Assert.Equal((400, "model_not_supported"), (chat.Status, chat.ErrorCode));
        Assert.Equal((400, "model_not_supported"), (text.Status, text.ErrorCode));
        Assert.Equal("model", (string?)chat.Json["error"]!["param"]);
    });

    [Fact]
    public void A_model_that_chats_does_not_embed() => MarketHarness.Run(async market =>
    {
        var reply = await AskAsync(market, "Hello");

        Assert.Equal((400, "model_not_supported"), (reply.Status, reply.ErrorCode));
    });

    private static float[] Numbers(AppReply reply, int index) =>
        [.. reply.Json["data"]![index]!["embedding"]!.AsArray().Select(number => (float)number!)];

    private static Task<AppReply> AskAsync(
        MarketHarness market, JsonNode input, Action<JsonObject>? change = null, CancellationToken leave = default)
    {
        var body = new JsonObject { ["model"] = MarketHarness.ModelName, ["input"] = input };
        change?.Invoke(body);
        return market.App.PostAsync("/v1/embeddings", body, leave);
    }

    /// <summary>Lets headers and receipt pass, and puts another body in the place of the vectors.</summary>
    private sealed class Garbler(IWireHandler inner, string body) : IWireHandler
    {
        public Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted) =>
            inner.HandleAsync(
                request, request.Path.EndsWith("/embeddings", StringComparison.Ordinal)
                    ? new Garbled(response, body) : response, aborted);
    }

    private sealed class Garbled(IWireResponse inner, string body) : IWireResponse
    {
        public ValueTask StartAsync(int status, WireHeaders headers, CancellationToken cancellation)
        {
            headers["content-length"] = body.Length.ToString(System.Globalization.CultureInfo.InvariantCulture);
            return inner.StartAsync(status, headers, cancellation);
        }

        public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation) =>
            inner.WriteAsync(System.Text.Encoding.UTF8.GetBytes(body), cancellation);
    }
}
