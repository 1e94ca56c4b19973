using System.Text;
using CsCheck;
using Souk.Protocol;
using Souk.Wire.Http;
using Souk.Wire.Paid;

namespace Souk.Wire.Tests.Paid;

/// <summary>The client against a real listener whose handler plays a provider, good or bad.</summary>
public sealed class NodeClientTests : IDisposable
{
    private readonly HttpWireClient _wire = Clients.New();
    private readonly NodeClient _client;
    private readonly PaidRequest _request = Samples.Requests.Single();

    public NodeClientTests() => _client = new(_wire, TimeProvider.System) { CallTimeout = TimeSpan.FromSeconds(10) };

    public void Dispose() => _wire.Dispose();

    [Fact]
    public async Task A_streamed_answer_comes_with_nonce_data_receipt_and_end()
    {
        PaidRequest? seen = null;
        byte[]? body = null;
        await using var host = await NodeHost.StartAsync(new Handler(async (request, response, aborted) =>
        {
            seen = PaidRequest.Parse(request.Headers).Value;
            body = request.Body.ToArray();
            string[] pieces = ["data: {\"a\":1}\n\n", "data: {\"a\":2}\n\n", Receipt(), "data: [DONE]\n\n"];
            await StreamAsync(response, aborted, pieces);
        }));

        var sent = await _client.SendPaidAsync(host.Plain, _request, "{\"x\":1}"u8.ToArray(), Clients.Soon);
        await using var reply = sent.Value;
        var events = await ReadAsync(reply);

        Assert.Equal(_request, seen);
        Assert.Equal("{\"x\":1}", Encoding.ASCII.GetString(body!));
        Assert.Equal(Samples.H(8), reply.ProviderNonce);
        Assert.True(reply.IsStream);
        Assert.Equal(["Data {\"a\":1}", "Data {\"a\":2}", "Receipt ", "Done [DONE]"], events);
        Assert.Equal(Samples.SignedReceipt, reply.Receipt);
    }

    [Fact]
    public async Task Pieces_cut_anywhere_give_the_same_events()
    {
        var text = "data: {\"a\":1}\n\n: keep-alive\n\n" + Receipt() + "data: [DONE]\n\n";
        await using var host = await NodeHost.StartAsync(new Handler(async (request, response, aborted) =>
        {
            var at = int.Parse(request.Headers["souk-index"]!, null) % text.Length;
            await StreamAsync(response, aborted, text[..at], text[at..]);
        }));

        for (var cut = 1; cut < 60; cut++)
        {
            var sent = await _client.SendPaidAsync(
                host.Plain, _request with { Index = (ulong)cut }, default, Clients.Soon);
            await using var reply = sent.Value;
            Assert.Equal(["Data {\"a\":1}", "Receipt ", "Done [DONE]"], await ReadAsync(reply));
        }
    }

    [Theory]
    [InlineData("data: {}\n\n", WireCodes.Disconnected)]
    [InlineData("data: [DONE]", WireCodes.Disconnected)]
    [InlineData(": souk-receipt !!!\n\n", "message_malformed")]
    [InlineData(": souk-receipt e30\n\n", "message_malformed")]
    [InlineData("RECEIPT RECEIPT", WireCodes.Malformed)]
    [InlineData("HUGE", "sse_line_too_long")]
    public async Task A_bad_stream_breaks_and_says_whose_fault_it_is(string text, string code)
    {
        text = text.Replace("RECEIPT ", Receipt(), StringComparison.Ordinal)
            .Replace("RECEIPT", Receipt(), StringComparison.Ordinal)
            .Replace("HUGE", "data: " + new string('x', 3 << 20), StringComparison.Ordinal);
        await using var host = await NodeHost.StartAsync(new Handler((_, response, aborted) =>
            StreamAsync(response, aborted, text)));

        var sent = await _client.SendPaidAsync(host.Plain, _request, default, Clients.Soon);
        await using var reply = sent.Value;
        PaidEvent last;
        do
        {
            last = await reply.NextAsync(Clients.Soon);
        }
        while (last.Kind is PaidEventKind.Data or PaidEventKind.Receipt);

        Assert.Equal((PaidEventKind.Broken, Fault.Theirs, code), (last.Kind, last.Refusal!.Fault, last.Refusal.Code));
        Assert.Equal(PaidEventKind.Broken, (await reply.NextAsync(Clients.Soon)).Kind);
    }

    [Fact]
    public async Task A_connection_that_breaks_in_the_middle_is_a_broken_stream()
    {
        await using var host = await NodeHost.StartAsync(new Handler(async (_, response, aborted) =>
        {
            await StreamAsync(response, aborted, "data: {}\n\n");
            await Task.Delay(100, aborted);
            throw new InvalidOperationException();
        }));

        var sent = await _client.SendPaidAsync(host.Plain, _request, default, Clients.Soon);
        await using var reply = sent.Value;

        Assert.Equal(PaidEventKind.Data, (await reply.NextAsync(Clients.Soon)).Kind);
        var last = await reply.NextAsync(Clients.Soon);
        Assert.Equal((PaidEventKind.Broken, WireCodes.Disconnected), (last.Kind, last.Refusal!.Code));
    }

    [Fact]
    public async Task A_whole_answer_carries_its_receipt_in_a_header()
    {
        await using var host = await NodeHost.StartAsync(new Handler(async (_, response, aborted) =>
            await response.SendJsonAsync(200, "{\"id\":1}"u8.ToArray(), aborted, new()
            {
                { SoukHeaders.ProviderNonce, Samples.H(8).ToString() },
                { SoukHeaders.Receipt, ReceiptText.ToHeader(Samples.SignedReceipt) },
            })));

        var sent = await _client.SendPaidAsync(host.Plain, _request, default, Clients.Soon);
        await using var reply = sent.Value;

        Assert.False(reply.IsStream);
        Assert.Equal((Samples.H(8), Samples.SignedReceipt), (reply.ProviderNonce!.Value, reply.Receipt));
        Assert.Equal("{\"id\":1}", Encoding.ASCII.GetString((await reply.ReadBodyAsync(100, Clients.Soon)).Value.Span));
    }

    [Fact]
    public async Task A_refused_request_is_a_reply_with_the_providers_reason_and_receipt()
    {
        await using var host = await NodeHost.StartAsync(new Handler(async (_, response, aborted) =>
            await response.SendErrorAsync(
                new(503, "engine_down", "The engine failed.", Fault.Ours),
                aborted,
                new() { { SoukHeaders.Receipt, ReceiptText.ToHeader(Samples.SignedReceipt) } })));

        var sent = await _client.SendPaidAsync(host.Plain, _request, default, Clients.Soon);
        await using var reply = sent.Value;

        Assert.Equal(new WireError(503, "engine_down", "The engine failed.", Fault.Theirs), reply.Error);
        Assert.Equal(Samples.SignedReceipt, reply.Receipt);
    }

    [Theory]
    [InlineData(SoukHeaders.ProviderNonce, "0x12")]
    [InlineData(SoukHeaders.Receipt, "e30")]
    public async Task A_reply_with_a_malformed_header_is_refused(string name, string value)
    {
        await using var host = await NodeHost.StartAsync(new Handler(async (_, response, aborted) =>
            await response.StartAsync(200, new() { { name, value } }, aborted)));

        var sent = await _client.SendPaidAsync(host.Plain, _request, default, Clients.Soon);

        Assert.Equal(Fault.Theirs, sent.Refusal!.Fault);
    }

    [Fact]
    public async Task A_channel_is_opened_with_a_signed_acceptance()
    {
        var acceptance = Signed.Sign(
            new Acceptance(Samples.H(1), new(5), 0, Samples.H(2), 1_700_000_000), Samples.Key, Samples.Domain);
        ChannelOpening? seen = null;
        await using var host = await NodeHost.StartAsync(new Handler(async (request, response, aborted) =>
        {
            Assert.Equal(("POST", NodePaths.Channels), (request.Method, request.Path));
            seen = ChannelOpening.Parse(request.Body).Value;
            await response.SendJsonAsync(200, SoukJson.Serialize(acceptance), aborted);
        }));
        var opening = new ChannelOpening(Samples.Channels.Single(), null);

        var reply = await _client.OpenChannelAsync(host.Plain, opening, Clients.Soon);

        Assert.Equal(acceptance, reply.Value);
        Assert.Equal(opening, seen);
    }

    [Fact]
    public async Task A_raise_is_taken_or_too_late_or_refused()
    {
        var raise = new VoucherRaise(Samples.Vouchers.Single(), 40);
        await using var host = await NodeHost.StartAsync(new Handler(async (request, response, aborted) =>
        {
            Assert.True(NodePaths.TryRequest(request.Path, out var id, out var isVoucher) && isVoucher);
            Assert.Equal(raise, VoucherRaise.Parse(request.Body).Value);
            await (id == Id(1)
                ? response.SendJsonAsync(200, "{}"u8.ToArray(), aborted)
                : response.SendErrorAsync(
                    new(id == Id(2) ? 409 : 404, "ended", "It has ended.", Fault.Nobody),
                    aborted,
                    id == Id(2)
                        ? new() { { SoukHeaders.Receipt, ReceiptText.ToHeader(Samples.SignedReceipt) } }
                        : null));
        }));

        var taken = await _client.RaiseAsync(host.Plain, Id(1), raise, Clients.Soon);
        var late = await _client.RaiseAsync(host.Plain, Id(2), raise, Clients.Soon);
        var refused = await _client.RaiseAsync(host.Plain, Id(3), raise, Clients.Soon);

        Assert.Equal(new RaiseOutcome(true, null), taken.Value);
        Assert.Equal(new RaiseOutcome(false, Samples.SignedReceipt), late.Value);
        Assert.Equal("ended", refused.Refusal!.Code);
    }

    [Fact]
    public async Task A_record_of_another_request_is_refused()
    {
        await using var host = await NodeHost.StartAsync(new Handler(async (_, response, aborted) =>
            await response.SendJsonAsync(
                200, new RequestRecord(Id(1), RequestState.Running, [], null).ToJson(), aborted)));

        Assert.True((await _client.GetRequestAsync(host.Plain, Id(1), Clients.Soon)).IsOk);
        Assert.Equal(Fault.Theirs, (await _client.GetRequestAsync(host.Plain, Id(2), Clients.Soon)).Refusal!.Fault);
    }

    [Fact]
    public async Task A_cancel_is_a_delete()
    {
        await using var host = await NodeHost.StartAsync(new Handler(async (request, response, aborted) =>
            await response.SendJsonAsync(
                request.Method == "DELETE" && request.Path == NodePaths.Request(Id(1)) ? 202 : 404,
                "{}"u8.ToArray(),
                aborted)));

        Assert.Null(await _client.CancelAsync(host.Plain, Id(1), Clients.Soon));
        Assert.Equal(WireCodes.UnexpectedStatus, (await _client.CancelAsync(host.Plain, Id(2), Clients.Soon))!.Code);
    }

    [Fact]
    public async Task Offers_heartbeats_and_announcements_are_exchanged()
    {
        await using var host = await NodeHost.StartAsync(new Handler(async (request, response, aborted) =>
        {
            var body = (request.Method, request.Path) switch
            {
                ("GET", NodePaths.Offers) => new OfferList(
                    [Samples.SignedOffer], request.QueryValue("model") + "/" + request.QueryValue("after")).ToJson(),
                ("POST", NodePaths.Offers) => new AnnounceReply(
                    OfferList.Parse(request.Body).Value.Offers.Count, [new(Samples.H(3), "late", "Expired.")]).ToJson(),
                _ => new HeartbeatList([new(Samples.H(1), Samples.H(2))]).ToJson(),
            };
            await response.SendJsonAsync(200, body, aborted);
        }));

        var offers = await _client.GetOffersAsync(host.Plain, Samples.H(1), "a&b", Clients.Soon);
        var all = await _client.GetOffersAsync(host.Plain, null, null, Clients.Soon);
        var beats = await _client.GetHeartbeatsAsync(host.Plain, Clients.Soon);
        var announced = await _client.AnnounceAsync(host.Plain, [Samples.SignedOffer], Clients.Soon);

        Assert.Equal(Samples.H(1) + "/a&b", offers.Value.Next);
        Assert.Equal("/", all.Value.Next);
        Assert.Equal(Samples.H(2), beats.Value.Heartbeats.Single().Value);
        Assert.Equal((1, "late"), (announced.Value.Accepted, announced.Value.Refused.Single().Code));
    }

    [Fact]
    public async Task Files_are_bounded_and_a_manifest_must_have_the_digest_that_was_asked_for()
    {
        var manifest = ModelManifest.FromFiles([new("tokenizer.json", Samples.H(1), 5)], "f32");
        await using var host = await NodeHost.StartAsync(new Handler(async (request, response, aborted) =>
        {
            Assert.True(NodePaths.TryModelFile(request.Path, out _, out var name));
            await response.SendJsonAsync(
                200, name.Length == 0 ? SoukJson.Serialize(manifest) : "12345"u8.ToArray(), aborted);
        }));

        var good = await _client.GetModelManifestAsync(host.Plain, manifest.Digest, Clients.Soon);
        var bad = await _client.GetModelManifestAsync(host.Plain, Samples.H(9), Clients.Soon);
        var file = await _client.GetModelFileAsync(host.Plain, manifest.Digest, "tokenizer.json", 5, Clients.Soon);
        var large = await _client.GetModelFileAsync(host.Plain, manifest.Digest, "tokenizer.json", 4, Clients.Soon);

        Assert.Equal(manifest, good.Value);
        Assert.Equal(WireCodes.Malformed, bad.Refusal!.Code);
        Assert.Equal(5, file.Value.Length);
        Assert.Equal((Fault.Theirs, WireCodes.TooLarge), (large.Refusal!.Fault, large.Refusal.Code));
    }

    [Fact]
    public async Task A_call_that_takes_too_long_is_their_fault_and_a_cancelled_one_nobodys()
    {
        await using var host = await NodeHost.StartAsync(new Handler(async (_, _, aborted) =>
            await Task.Delay(Timeout.InfiniteTimeSpan, aborted)));
        var hasty = new NodeClient(_wire, TimeProvider.System) { CallTimeout = TimeSpan.FromMilliseconds(200) };
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        var late = await hasty.GetHeartbeatsAsync(host.Plain, Clients.Soon);

        Assert.Equal((Fault.Theirs, WireCodes.HeadersTimeout), (late.Refusal!.Fault, late.Refusal.Code));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => _client.GetHeartbeatsAsync(host.Plain, cancelled.Token));
    }

    [Fact]
    public async Task An_unreachable_peer_is_a_value()
    {
        var nowhere = new PeerTarget(new Uri("http://127.0.0.1:1"), null);

        var sent = await _client.SendPaidAsync(nowhere, _request, default, Clients.Soon);

        Assert.Equal((Fault.Theirs, WireCodes.ConnectFailed), (sent.Refusal!.Fault, sent.Refusal.Code));
    }

    private static RequestId Id(byte fill) => RequestId.FromBytes(Enumerable.Repeat(fill, 16).ToArray());

    private static string Receipt() => Encoding.ASCII.GetString(ReceiptText.ToComment(Samples.SignedReceipt));

    private static async Task StreamAsync(IWireResponse response, CancellationToken aborted, params string[] pieces)
    {
        await response.StartAsync(
            200,
            new() { { "content-type", "text/event-stream" }, { SoukHeaders.ProviderNonce, Samples.H(8).ToString() } },
            aborted);
        foreach (var piece in pieces)
        {
            await response.WriteAsync(Encoding.ASCII.GetBytes(piece), aborted);
        }
    }

    private static async Task<List<string>> ReadAsync(PaidReply reply)
    {
        var events = new List<string>();
        while (true)
        {
            var next = await reply.NextAsync(Clients.Soon);
            events.Add($"{next.Kind} {Encoding.ASCII.GetString(next.Data.Span)}");
            if (next.Kind is PaidEventKind.Done or PaidEventKind.Broken)
            {
                return events;
            }
        }
    }
}
