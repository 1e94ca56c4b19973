using System.Text;
using System.Text.Json;
using CsCheck;
using Souk.Chain.Codec;
using Souk.Chain.Rpc;
using Souk.Chain.Transactions;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Completions;
using Souk.OpenAi.Embeddings;
using Souk.OpenAi.Errors;
using Souk.OpenAi.Messages;
using Souk.OpenAi.Responses;
using Souk.OpenAi.Streaming;
using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Paid;
using Souk.Wire.Tests.Paid;
using Souk.Wire.X402;

namespace Souk.Fuzz;

/// <summary>Every parser of bytes that come from another node, an app, an upstream or an RPC node.</summary>
internal static class Targets
{
    private const int SomeOfEach = 4;

    public static IReadOnlyList<Target> All { get; } = [.. Links(), .. Payments(), .. Apps(), .. Chains()];

    // Between nodes.
    private static IEnumerable<Target> Links()
    {
        yield return new("offers", [.. Json(new OfferList([Samples.SignedOffer], "next").ToJson())],
            input => Say(OfferList.Parse(input)));
        yield return new(
            "heartbeats", [.. Json(new HeartbeatList([new HeartbeatValue(Samples.H(1), Samples.H(2))]).ToJson())],
            input => Say(HeartbeatList.Parse(input)));
        yield return new(
            "announcement replies",
            [.. Json(new AnnounceReply(3, [new RefusedOffer(Samples.H(1), "code", "message")]).ToJson())],
            input => Say(AnnounceReply.Parse(input)));
        yield return new("vouchers", Some(Samples.Vouchers.Select(v => new VoucherRaise(v, 9).ToJson().ToArray())),
            input => Say(VoucherRaise.Parse(input)));
        yield return new("claims for watchtowers",
            Some(Samples.Channels.Select(channel => new GuardRequest(new Amount(9),
                [new GuardedClaim(channel, Samples.Vouchers.Single(), new Amount(5), Samples.Signatures.Single())])
                .ToJson().ToArray())),
            input => Say(GuardRequest.Parse(input)));
        yield return new("watchtowers' answers",
            [.. Json(new GuardReply([new HeldClaim(Samples.H(1), new Amount(5))]).ToJson())],
            input => Say(GuardReply.Parse(input)));
        yield return new("channel openings", Some(Samples.Channels.Select(channel => new ChannelOpening(
                channel, new ChannelDeposit(new Amount(5), channel.Payer, new byte[64])).ToJson().ToArray())),
            input => Say(ChannelOpening.Parse(input)));
        yield return new("guarded claims", Some(Gen.Select(Samples.Channels, Samples.Vouchers, Samples.Signatures)
                .Select((channel, voucher, by) => new GuardRequest(
                    new Amount(7), [new GuardedClaim(channel, voucher, new Amount(6), by)]).ToJson().ToArray())),
            input => Say(GuardRequest.Parse(input)));
        yield return new("guard replies", [.. Json(new GuardReply([new HeldClaim(Samples.H(1), new Amount(3))])
            .ToJson())],
            input => Say(GuardReply.Parse(input)));
        yield return new("node errors", [.. Json(new WireError(409, "code", "message", Fault.Theirs).ToJson())],
            input => WireError.Parse(502, input).Code.Length > 0 ? Target.Taken : "no code");
        yield return new("receipts", [Encoding.ASCII.GetBytes(ReceiptText.ToHeader(Samples.SignedReceipt))],
            input => Say(ReceiptText.FromHeader(Encoding.Latin1.GetString(input))));
        yield return new("receipt comments", [ReceiptText.ToComment(Samples.SignedReceipt).AsSpan().Trim((byte)'\n')
                .TrimStart(": "u8).ToArray()],
            input => ReceiptText.IsReceipt(input) ? Say(ReceiptText.FromComment(input)) : "another comment");
        yield return new("paid requests", Some(Samples.Requests.Select(Headers)), ReadHeaders);
        yield return new("request records", [Record()], input => Say(RequestRecord.Parse(input)));
        yield return new("network files", [NetworkJson()], input => Say(NetworkFile.Parse(input)));
        yield return new("endpoints", [.. Texts("https://provider.example:8443", "http://127.0.0.1:80")], input =>
            Say(PeerTarget.Parse(Encoding.UTF8.GetString(input), Encoding.UTF8.GetString(input)
                .StartsWith("https", StringComparison.Ordinal) ? Samples.H(1) : null)));
    }

    private static IEnumerable<Target> Payments()
    {
        var recorded = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Vectors, "x402", "messages.json")))
            .RootElement.EnumerateArray()
            .ToLookup(message => message.GetProperty("kind").GetString()!,
                message => Convert.FromBase64String(message.GetProperty("header").GetString()!));
        yield return new("x402 requirements", [.. recorded["required"]], input => Say(PaymentRequired.Parse(input)));
        yield return new("x402 payments", [.. recorded["payment"]], input => Say(PaymentPayload.Parse(input)));
        yield return new("x402 responses", [.. recorded["response"]], input => Say(SettlementResponse.Parse(input)));
        yield return new("x402 headers", [.. recorded["payment"].Select(json => Encoding.ASCII.GetBytes(
                X402Header.Encode(json)))],
            input => Say(PaymentPayload.FromHeader(Encoding.Latin1.GetString(input))));
    }

    // Apps' requests and upstreams' answers.
    private static IEnumerable<Target> Apps()
    {
        yield return new("chat requests", [.. Texts(ChatJson)], input => Say(ChatRequest.Parse(input)));
        yield return new("completion requests", [.. Texts("""
            {"model":"m","prompt":["a"],"max_tokens":5,"echo":true,"logprobs":2,"stop":["x"],"stream":false}
            """)], input => Say(CompletionRequest.Parse(input)));
        yield return new("embedding requests", [.. Texts("""
            {"model":"m","input":["a","b"],"encoding_format":"base64","dimensions":4}
            """)], input => Say(EmbeddingInputs.Parse(input)));
        yield return new("response requests", [.. Texts("""
            {"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"hi"}]}],"max_output_tokens":9,
            "tools":[{"type":"function","name":"f","parameters":{"type":"object"},"strict":true}],"store":false}
            """)], input => Say(ResponsesRequest.Parse(input)));
        yield return new("message requests", [.. Texts("""
            {"model":"m","max_tokens":9,"system":"s","messages":[
                {"role":"user","content":[{"type":"text","text":"hi"}]}],
            "tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"auto"}}
            """)], input => Say(MessagesRequest.Parse(input)));
        var streams = Directory.GetFiles(Path.Combine(Places.Root, "tests", "Engines.Tests", "streams"), "*.sse")
            .Order(StringComparer.Ordinal).Select(File.ReadAllBytes).Select(all => all[..Math.Min(all.Length, 4_096)])
            .ToList();
        yield return new("event streams", streams, ReadStream);
        yield return new("chunks", [.. streams.SelectMany(Chunks).Take(64)], input => Say(ChatChunk.Parse(input)));
        yield return new("upstream errors", [.. Texts(
            """{"error":{"message":"m","type":"t","code":"c","param":"p"}}""")],
            input => OpenAiError.Parse(input, 500).Message.Length > 0 ? Target.Taken : "no message");
        yield return new("embedding lists", [.. Texts("""
            {"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-1,2e-3]}],"model":"m",
            "usage":{"prompt_tokens":3,"total_tokens":3}}
            """)], input => Say(EmbeddingList.Parse(input, 1)));
    }

    private static IEnumerable<Target> Chains()
    {
        yield return new("RPC replies", [.. Texts("""
            [{"jsonrpc":"2.0","id":0,"result":"0x1"},
            {"jsonrpc":"2.0","id":1,"error":{"code":3,"message":"m","data":"0x"}}]
            """)], input => Catching<RpcFormatException>(() => RpcReplies.Parse(input, 2, out _)));
        yield return new("RLP", [.. Hex("rlp", "rlptest.json").Take(32)], input => Catching<RlpException>(
            () => Assert.Equal(input, Rlp.Encode(Rlp.Decode(input)))));
        yield return new("transactions", [.. Hex("transactions", "eip1559.json").Where(IsTransaction).Take(32)],
            input => Catching<RlpException>(() => FeeMarketTransaction.Decode(input, out _)));
        yield return new("ABI", [AbiSample()], input => Catching<AbiException>(() => ReadAbi(input)));
    }

    // So that inputs of this size reach the bounds.
    private static SseLimits Tight { get; } =
        new() { MaxLineBytes = 1_024, MaxEventBytes = 1_500, MaxTotalBytes = 8_192 };

    private static string Vectors => Path.Combine(Places.Root, "vectors");

    private const string ChatJson = """
        {"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"hi"},
        {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]},{"role":"assistant","tool_calls":
        [{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1",
        "content":"x"}],"max_completion_tokens":5,"temperature":0.5,"top_p":0.9,"n":2,"seed":-3,"stop":["a"],
        "logit_bias":{"5":-1.5},"logprobs":true,"top_logprobs":2,"response_format":{"type":"json_schema","json_schema":
        {"name":"n","strict":true,"schema":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],
        "additionalProperties":false}}},"tools":[
            {"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],
        "stream":true,"stream_options":{"include_usage":true}}
        """;

    private static string Say<T>(Result<T> result) =>
        result.TryGet(out _, out var refusal) ? Target.Taken : $"{refusal.Code} {refusal.Message}";

    private static string Say<T>(ParseResult<T> result) =>
        result.Error is { } error ? $"{error.Code} {error.Message}" : Target.Taken;

    private static string Catching<T>(Action read)
        where T : Exception
    {
        try
        {
            read();
            return Target.Taken;
        }
        catch (T documented)
        {
            return documented.Message;
        }
    }

    private static IEnumerable<byte[]> Texts(params string[] texts) => texts.Select(Encoding.UTF8.GetBytes);

    private static IEnumerable<byte[]> Json(ReadOnlyMemory<byte> json) => [json.ToArray()];

    private static List<byte[]> Some(Gen<byte[]> samples) =>
        [.. Enumerable.Range(0, SomeOfEach).Select(i => samples.Generate(new PCG((uint)i, 7), null, out _))];

    private static byte[] Headers(PaidRequest request)
    {
        WireHeaders headers = [];
        request.WriteTo(headers);
        return Encoding.Latin1.GetBytes(string.Join('\n', headers.Select(header => $"{header.Key}:{header.Value}")));
    }

    private static string ReadHeaders(byte[] input)
    {
        WireHeaders headers = [];
        foreach (var line in Encoding.Latin1.GetString(input).Split(['\n', '\r', '\0']).Take(64))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            // Names and values that HTTP forbids never get this far.
            if (colon > 0 && line[..colon].All(letter => char.IsAsciiLetterLower(letter) || letter == '-'))
            {
                headers.Add(line[..colon], line[(colon + 1)..]);
            }
        }

        return Say(PaidRequest.Parse(headers));
    }

    private static byte[] Record() => new RequestRecord(
        RequestId.Parse(new string('b', 32)), RequestState.Ended, [new RequestChoice([1, 2, 3], "stop")],
            Samples.SignedReceipt).ToJson().ToArray();

    private static byte[] NetworkJson() => Encoding.UTF8.GetBytes(new NetworkFile(
        1, ["https://rpc.example"], Samples.Key.Address, Samples.Key.Address, Samples.Key.Address, Samples.Key.Address,
            6,
        2, 3, 60, "https://catalogue.example", Samples.Key.Address, ["https://indexer.example"]).ToJson());

    private static string ReadStream(byte[] input)
    {
        try
        {
            // In memory everything completes at once; pieces end anywhere.
            var reading = ReadAllAsync(input);
            Assert.True(reading.IsCompleted);
            return reading.GetAwaiter().GetResult();
        }
        catch (SseException documented)
        {
            return documented.Message;
        }
    }

    private static async Task<string> ReadAllAsync(byte[] input)
    {
        await foreach (var item in SseReader.ReadAsync(Pieces(input), Tight))
        {
            _ = item.Bytes.Length;
        }

        return Target.Taken;
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> Pieces(byte[] input)
    {
        await Task.CompletedTask;
        for (var (at, length) = (0, 1); at < input.Length; at += length, length = (length * 7 % 61) + 1)
        {
            yield return input.AsMemory(at, Math.Min(length, input.Length - at));
        }
    }

    private static IEnumerable<byte[]> Chunks(byte[] stream) => Encoding.UTF8.GetString(stream).Split('\n')
        .Where(line => line.StartsWith("data: {", StringComparison.Ordinal) && line.TrimEnd().EndsWith('}'))
        .Select(line => Encoding.UTF8.GetBytes(line.Trim()[6..]))
        .Where(json => ChatChunk.Parse(json).Error is null);

    private static IEnumerable<byte[]> Hex(string folder, string file)
    {
        var text = File.ReadAllText(Path.Combine(Vectors, folder, file));
        return System.Text.RegularExpressions.Regex.Matches(text, "\"0x([0-9a-f]+)\"")
            .Select(match => match.Groups[1].Value).Where(hex => hex.Length % 2 == 0)
            .Select(Convert.FromHexString).Where(IsRlp);
    }

    private static bool IsRlp(byte[] bytes) => bytes[0] == 2
        || Catching<RlpException>(() => Rlp.Decode(bytes)) == Target.Taken;

    private static bool IsTransaction(byte[] bytes) =>
        Catching<RlpException>(() => FeeMarketTransaction.Decode(bytes, out _)) == Target.Taken;

    private static byte[] AbiSample() => AbiPart.Sequence(
        AbiPart.Of(Samples.Key.Address), AbiPart.Of(Samples.H(3)), AbiPart.Of(value: true),
        AbiPart.NonNegative(new UInt128(0, 77), 128), AbiPart.Of("text"), AbiPart.Of([1, 2, 3]),
        AbiPart.Array([1, 2], static (int value) => AbiPart.NonNegative((UInt128)value, 64)));

    private static void ReadAbi(byte[] input)
    {
        var reader = new AbiReader(input);
        reader.Address();
        reader.Bytes32();
        reader.Bool();
        reader.NonNegative128(128);
        reader.Text();
        reader.Bytes();
        reader.Array(1, element => element.NonNegative64(64));
    }
}
