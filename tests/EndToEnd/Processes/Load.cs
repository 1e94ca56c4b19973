using System.ClientModel;
using System.ClientModel.Primitives;
using System.Collections.Concurrent;
using OpenAI;
using OpenAI.Chat;

namespace Souk.EndToEnd.Processes;

/// <summary>Apps that ask one question after the other, through the official SDK, until they are told to
/// stop.</summary>
internal sealed class Load : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task[] _apps;
    private int _asked;

    public Load(Uri baseUrl, string apiKey, int apps)
    {
        var client = Client(baseUrl, apiKey);
        _apps = [.. Enumerable.Range(0, apps)
            .Select(app => Task.Run(() => AskOnAsync(client, isStreamed: app % 2 == 0)))];
    }

    /// <summary>Questions asked so far.</summary>
    public int Asked => Volatile.Read(ref _asked);

    /// <summary>Costs of whole answers, as the gateway told them, in whole currency.</summary>
    public ConcurrentBag<string> Costs { get; } = [];

    /// <summary>The official client, without retries so that each question is one request.</summary>
    public static ChatClient Client(Uri baseUrl, string apiKey) => new(
        "souk-demo", new ApiKeyCredential(apiKey),
        new OpenAIClientOptions { Endpoint = baseUrl, RetryPolicy = new ClientRetryPolicy(0) });

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_apps);
        _stop.Dispose();
    }

    private async Task AskOnAsync(ChatClient client, bool isStreamed)
    {
        while (!_stop.IsCancellationRequested)
        {
            var question = $"What is {Interlocked.Increment(ref _asked)} plus 7?";
            try
            {
                if (isStreamed)
                {
                    await foreach (var _ in client.CompleteChatStreamingAsync([new UserChatMessage(question)], null,
                        _stop.Token))
                    {
                    }
                }
                else
                {
                    var reply = await client.CompleteChatAsync([new UserChatMessage(question)], null, _stop.Token);
                    using var json = System.Text.Json.JsonDocument.Parse(reply.GetRawResponse().Content);
                    Costs.Add(json.RootElement.GetProperty("usage").GetProperty("cost").GetRawText());
                }
            }
            catch (Exception broken) when (broken is ClientResultException or HttpRequestException or IOException
                or OperationCanceledException or AggregateException)
            {
                // The network is being killed; what each question cost is checked afterwards.
                await Task.Delay(50);
            }
        }
    }
}
