using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Souk.EndToEnd.Processes;
using Souk.EndToEnd.Reading;
using Souk.Engines.Tests.TinyModels;
using Souk.Engines.Tests.Upstream;

namespace Souk.EndToEnd.Upstream;

/// <summary>
/// A server that nobody here wrote, npm's inference-server on llama.cpp, is sold by <c>souk up --upstream</c>: what
/// apps are billed is what llama.cpp itself reports, and the provider is paid for it on the chain.
/// </summary>
[Trait("system", "npm inference-server")]
public sealed class LlamaUpstreamTests : IAsyncLifetime
{
    private const string PublicName = "souk-tiny";
    private const string Zero = "0x0000000000000000000000000000000000000000000000000000000000000000";
    private readonly string _folder = SoukProcess.NewFolder();
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(120) };
    private LlamaServer? _llama;
    private SoukProcess? _up;
    private string _digest = "";

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(
            LlamaServer.Script is not null || Environment.GetEnvironmentVariable("CI") == "true",
            "Needs the npm packages of tests/Engines.Tests/LlamaServer (npm ci --omit=optional).");
        var model = new TinyLlama(new TinyShape { IsPlain = true, Seed = 21, Context = 1024 });
        var gguf = TinyLlamaGguf.Write(model);
        _digest = "0x" + Convert.ToHexStringLower(SHA256.HashData(gguf));
        await File.WriteAllBytesAsync(Path.Combine(_folder, "tiny.gguf"), gguf);
        _llama = await LlamaServer.StartAsync(model);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await (_up?.DisposeAsync() ?? ValueTask.CompletedTask);
        await (_llama?.DisposeAsync() ?? ValueTask.CompletedTask);
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_foreign_server_is_sold_billed_as_it_counts_and_paid_on_chain()
    {
        await UpAsync(isQuiet: true);
        var offer = await OfferAsync();
        Assert.Equal(("usage", _digest), (offer.GetProperty("counting").GetString(), offer.GetProperty("model_digest")
            .GetString()));

        // The bound on a prompt, 1,024 and the body's bytes, is above the context here and must not refuse anything.
        // The longest answer needs the ceiling to be raised while it streams: a slice covers 512 tokens.
        foreach (var (question, limit, isStreamed) in new[]
            { ("Hi", 20, false), ("Hi", 20, true), ("Tell me more, please", 1, false), ("Go on", 700, true) })
        {
            var own = await LlamaAsync(question, limit);
            var bought = isStreamed ? await StreamAsync(question, limit) : await WholeAsync(question, limit);
            Assert.Equal((own.Text, own.Input, own.Output, "length"), (bought.Text, bought.Input, bought.Output,
                bought.Finish));
            Assert.Equal(limit, bought.Output);
            Assert.Equal(Cost(offer, bought.Input, bought.Output), bought.Cost);
        }

        Assert.Equal(0, await _up!.StopAsync());
        await UpAsync(isQuiet: false);
        using var admin = new AdminReader(_up!.AdminUrl, _up.AdminToken);
        await admin.SettleDownAsync();
        var books = new Books(_folder);
        Assert.Contains(books.Gateway, row => row.Kind == "voucher_issued"
            && Books.Number(row.Body.GetProperty("ids_received")) > 0);
        var receipts = books.Gateway.Where(row => row.Kind == "receipt_received")
            .Select(row => row.Body.GetProperty("receipt").GetProperty("message")).ToList();
        Assert.Equal(5, receipts.Count);
        Assert.All(receipts, receipt =>
        {
            Assert.Equal(_digest, receipt.GetProperty("model_digest").GetString());
            Assert.Equal(Zero, receipt.GetProperty("prompt_commitment").GetString());
            Assert.Equal(Zero, receipt.GetProperty("output_commitment").GetString());
        });

        // To the unit: receipts, claims, settlement and the balances of payout, escrow, vault and key.
        await books.CheckAsync(_up);
    }

    private async Task UpAsync(bool isQuiet) => _up = await SoukProcess.UpAsync(
        _folder, isQuiet, _up?.PortBase,
        [
            "--upstream", _llama!.BaseUrl.ToString(), "--upstream-model", "tiny", "--name", PublicName,
            "--upstream-context", "1024", "--upstream-feature", "stop", "--upstream-max-output", "800",
            "--upstream-model-file", Path.Combine(_folder, "tiny.gguf"),
        ]);

    private async Task<JsonElement> OfferAsync()
    {
        var listed = await _http.GetFromJsonAsync<JsonElement>(
            $"http://127.0.0.1:{_up!.PortBase + 3}/souk/v1/offers?model={_digest}");
        return listed.GetProperty("offers")[0].GetProperty("message");
    }

    /// <summary>ceil((in x p_in + out x p_out) / 1,000,000), in smallest units.</summary>
    private static BigInteger Cost(JsonElement offer, long input, long output)
    {
        var sum = (input * Books.Number(offer.GetProperty("input_price")))
            + (output * Books.Number(offer.GetProperty("output_price")));
        return (sum + 999_999) / 1_000_000;
    }

    private async Task<Bought> LlamaAsync(string question, int limit)
    {
        using var reply = await _http.PostAsJsonAsync(_llama!.BaseUrl + "/chat/completions", Body("tiny", question,
            limit, false));
        return Whole(await reply.Content.ReadFromJsonAsync<JsonElement>());
    }

    private async Task<Bought> WholeAsync(string question, int limit)
    {
        using var reply = await AskAsync(question, limit, isStreamed: false);
        return Whole(await reply.Content.ReadFromJsonAsync<JsonElement>());
    }

    private async Task<Bought> StreamAsync(string question, int limit)
    {
        using var reply = await AskAsync(question, limit, isStreamed: true);
        var events = (await reply.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("data: [DONE]", events[^1].Trim());
        var text = new StringBuilder();
        var bought = new Bought("", 0, 0, "", 0);
        foreach (var line in events[..^1])
        {
            var chunk = JsonDocument.Parse(line["data: ".Length..]).RootElement;
            if (chunk.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object)
            {
                bought = Of(usage, bought.Finish);
            }

            foreach (var choice in chunk.GetProperty("choices").EnumerateArray())
            {
                text.Append(choice.GetProperty("delta").TryGetProperty("content", out var part) ? part.GetString()
                    : "");
                bought = bought with { Finish = choice.GetProperty("finish_reason").GetString() ?? bought.Finish };
            }
        }

        return bought with { Text = text.ToString() };
    }

    private async Task<HttpResponseMessage> AskAsync(string question, int limit, bool isStreamed)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, _up!.BaseUrl + "/chat/completions")
        {
            Content = JsonContent.Create(Body(PublicName, question, limit, isStreamed)),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _up.ApiKey);
        var reply = await _http.SendAsync(request);
        Assert.True(reply.IsSuccessStatusCode, $"{(int)reply.StatusCode} {await reply.Content.ReadAsStringAsync()}");
        return reply;
    }

    private static Dictionary<string, object> Body(string model, string question, int limit, bool isStreamed)
    {
        Dictionary<string, object> body = new()
        {
            ["model"] = model,
            ["messages"] = new[] { new { role = "user", content = question } },
            ["temperature"] = 0,
            ["max_tokens"] = limit,
            ["stream"] = isStreamed,
        };
        if (isStreamed)
        {
            body["stream_options"] = new { include_usage = true };
        }

        return body;
    }

    private static Bought Whole(JsonElement reply)
    {
        var choice = reply.GetProperty("choices")[0];
        return Of(reply.GetProperty("usage"), choice.GetProperty("finish_reason").GetString()!)
            with { Text = choice.GetProperty("message").GetProperty("content").GetString()! };
    }

    private static Bought Of(JsonElement usage, string finish) => new(
        "", usage.GetProperty("prompt_tokens").GetInt64(), usage.GetProperty("completion_tokens").GetInt64(), finish,
        usage.TryGetProperty("cost", out var cost) ? AdminReader.Units(cost.GetRawText()) : -1);

    private sealed record Bought(string Text, long Input, long Output, string Finish, BigInteger Cost);
}
