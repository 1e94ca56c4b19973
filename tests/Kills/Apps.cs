using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Numerics;
using System.Text.Json;

namespace Souk.Kills;

/// <summary>What an app was told before whoever told it was killed.</summary>
/// <param name="AppRequest">The gateway's name of the request, 32 hex digits.</param>
/// <param name="Cost">The bill in smallest units, when the answer came whole; null when it broke off.</param>
/// <param name="Tokens">Token ids that arrived.</param>
internal sealed record Told(string AppRequest, BigInteger? Cost, int Tokens);

/// <summary>Apps that ask one question after the other and write down what they were told.</summary>
internal sealed class Apps : IAsyncDisposable
{
    private const int MostTokens = 160;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly CancellationTokenSource _stop = new();
    private readonly HttpClient _http;
    private readonly string _model;
    private readonly Task[] _asking;
    private int _asked;
    private int _answered;

    public Apps(KilledNetwork network, string apiKey, int apps, int first)
    {
        (_model, _asked) = (network.Model, first);
        _http = new HttpClient { BaseAddress = network.Url, Timeout = Patience };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", apiKey);
        _asking = [.. Enumerable.Range(0, apps).Select(app => Task.Run(() => AskOnAsync(app % 2 == 0)))];
    }

    /// <summary>Questions asked so far.</summary>
    public int Asked => Volatile.Read(ref _asked);

    /// <summary>Answers that began to arrive.</summary>
    public int Answered => Volatile.Read(ref _answered);

    /// <summary>What was told of requests that got as far as a name.</summary>
    public ConcurrentBag<Told> Heard { get; } = [];

    /// <summary>No more questions; what is under way is heard to its end.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_asking);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _http.Dispose();
        _stop.Dispose();
    }

    private async Task AskOnAsync(bool isStreamed)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await AskAsync(Interlocked.Increment(ref _asked), isStreamed);
            }
            catch (Exception broken) when (broken is HttpRequestException or IOException or TaskCanceledException)
            {
                await Task.Delay(50);
            }
        }
    }

    private async Task AskAsync(int number, bool isStreamed)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions");
        // Long answers, so that kills meet them in their middle.
        request.Content = new StringContent(JsonSerializer.Serialize(new
        {
            model = _model,
            messages = new[] { new { role = "user", content = $"What is {number} plus 7?" } },
            max_tokens = MostTokens,
            min_tokens = 20 + (number % (MostTokens - 20)),
            temperature = 1,
            stream = isStreamed,
            stream_options = isStreamed ? new { include_usage = true } : null,
            return_token_ids = true,
        }));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var reply = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var name = reply.Headers.TryGetValues("x-request-id", out var names) ? names.First()[4..] : "";
        if (!reply.IsSuccessStatusCode)
        {
            await Task.Delay(100);
            return;
        }

        Interlocked.Increment(ref _answered);
        var answer = new Answer();
        try
        {
            using var lines = new StreamReader(await reply.Content.ReadAsStreamAsync());
            while (await lines.ReadLineAsync() is { } line)
            {
                answer.Take(line);
            }
        }
        finally
        {
            Heard.Add(new Told(name, answer.Cost, answer.Tokens));
        }
    }

    /// <summary>Adds up an answer, streamed or not.</summary>
    private sealed class Answer
    {
        public BigInteger? Cost { get; private set; }

        public int Tokens { get; private set; }

        public void Take(string line)
        {
            var json = line.StartsWith("data: ", StringComparison.Ordinal) ? line[6..] : line;
            if (!json.StartsWith('{'))
            {
                return;
            }

            using var document = JsonDocument.Parse(json);
            if (document.RootElement.TryGetProperty("choices", out var choices))
            {
                Tokens += choices.EnumerateArray().Sum(choice =>
                    choice.TryGetProperty("token_ids", out var ids) && ids.ValueKind == JsonValueKind.Array
                        ? ids.GetArrayLength()
                        : 0);
            }

            if (document.RootElement.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object)
            {
                Cost = AdminReader.Units(usage.GetProperty("cost").ToString());
            }
        }
    }
}
