#pragma warning disable OPENAI001 // The SDK marks its Responses client as a preview.
using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using System.Text.Json;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Embeddings;
using OpenAI.Responses;

namespace Souk.Conformance.Sdk;

/// <summary>The official SDK for .NET. Requests go as JSON through its protocol methods where its types cannot say
/// them.</summary>
internal static class DotNetSdk
{
    public static ChatClient Client(Uri baseUrl, string apiKey, int retries = 0,
        string model = Composition.MarketNetwork.Model) => new(
        model, new ApiKeyCredential(apiKey),
        new OpenAIClientOptions { Endpoint = baseUrl, RetryPolicy = new ClientRetryPolicy(retries) });

    public static async Task<IReadOnlyList<SdkOutcome>> RunAsync(
        Uri baseUrl, string apiKey, IReadOnlyList<SdkJob> jobs, int concurrency = 1)
    {
        var outcomes = new SdkOutcome[jobs.Count];
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, concurrency).Select(async _ =>
        {
            while (Interlocked.Increment(ref next) is var at && at < jobs.Count)
            {
                outcomes[at] = await RunAsync(baseUrl, apiKey, jobs[at]);
            }
        }));
        return outcomes;
    }

    /// <summary>The status of an unstreamed request to /embeddings or /responses, as it is.</summary>
    public static async Task<int> SendAsync(Uri baseUrl, string apiKey, string path, string model, string request)
    {
        var (key, once) = (new ApiKeyCredential(apiKey), new ClientRetryPolicy(0));
        using var content = BinaryContent.Create(BinaryData.FromString(request));
        try
        {
            var result = path == "/embeddings"
                ? await new EmbeddingClient(
                    model, key, new OpenAIClientOptions { Endpoint = baseUrl, RetryPolicy = once })
                    .GenerateEmbeddingsAsync(content, new RequestOptions())
                : await new ResponsesClient(
                    key, new ResponsesClientOptions { Endpoint = baseUrl, RetryPolicy = once })
                    .CreateResponseAsync(content, new RequestOptions());
            return result.GetRawResponse().Status;
        }
        catch (ClientResultException refused)
        {
            return refused.Status;
        }
    }

    private static async Task<SdkOutcome> RunAsync(Uri baseUrl, string apiKey, SdkJob job)
    {
        var client = Client(baseUrl, job.ApiKey ?? apiKey, job.MaxRetries);
        SdkOutcome empty = new(job.Id, [], [], null, null, false);
        try
        {
            return job.IsStreamed ? await StreamAsync(client, job, empty) : await WholeAsync(client, job, empty);
        }
        catch (ClientResultException refused)
        {
            return empty with { Error =
                new SdkError(nameof(ClientResultException), refused.Status, Code(refused), refused.Message) };
        }
    }

    private static async Task<SdkOutcome> WholeAsync(ChatClient client, SdkJob job, SdkOutcome empty)
    {
        using var content = BinaryContent.Create(BinaryData.FromString(job.Request.ToJsonString()));
        var result = await client.CompleteChatAsync(content, new RequestOptions());
        using var json = JsonDocument.Parse(result.GetRawResponse().Content);
        var choices = json.RootElement.GetProperty("choices").EnumerateArray().ToList();
        // The SDK's own reader has to understand the same bytes.
        var typed = ModelReaderWriter.Read<ChatCompletion>(result.GetRawResponse().Content)!;
        Assert.Equal(json.RootElement.GetProperty("usage").GetProperty("total_tokens").GetInt32(),
            typed.Usage.TotalTokenCount);
        return empty with
        {
            Texts = choices.ConvertAll(choice =>
                choice.GetProperty("message").GetProperty("content").GetString() ?? ""),
            Reasons = choices.ConvertAll(choice => choice.GetProperty("finish_reason").GetString()),
            Usage = json.RootElement.GetProperty("usage").Clone(),
        };
    }

    private static async Task<SdkOutcome> StreamAsync(ChatClient client, SdkJob job, SdkOutcome empty)
    {
        var text = new StringBuilder();
        string? reason = null;
        JsonElement? usage = null;
        var pieces = 0;
        using var leave = new CancellationTokenSource();
        var question = job.Request["messages"]!.AsArray().Select(Message).ToList();
        try
        {
            await foreach (var update in client.CompleteChatStreamingAsync(question, Options(job), leave.Token))
            {
                foreach (var part in update.ContentUpdate)
                {
                    text.Append(part.Text);
                    pieces++;
                }

                reason = update.FinishReason?.ToString().ToLowerInvariant() ?? reason;
                if (update.Usage is { } told)
                {
                    // The cost is Souk's own addition; the SDK keeps what it does not know.
                    usage = JsonDocument.Parse(ModelReaderWriter.Write(told)).RootElement;
                }

                if (pieces == job.AbortAfter)
                {
                    await leave.CancelAsync();
                }
            }
        }
        catch (OperationCanceledException) when (leave.IsCancellationRequested)
        {
            return empty with { Texts = [text.ToString()], Reasons = [null], IsAborted = true };
        }
        catch (ClientResultException broken)
        {
            return empty with
            {
                Texts = [text.ToString()],
                Error = new SdkError(nameof(ClientResultException), broken.Status, Code(broken), broken.Message),
            };
        }

        return empty with { Texts = [text.ToString()], Reasons = [reason], Usage = usage };
    }

    private static ChatMessage Message(System.Text.Json.Nodes.JsonNode? message) =>
        (string)message!["role"]! switch
        {
            "system" => new SystemChatMessage((string)message["content"]!),
            "assistant" => new AssistantChatMessage((string)message["content"]!),
            _ => new UserChatMessage((string)message["content"]!),
        };

    private static ChatCompletionOptions Options(SdkJob job)
    {
        var options = new ChatCompletionOptions
        {
            Temperature = (float?)(double?)job.Request["temperature"],
            MaxOutputTokenCount = (int?)job.Request["max_tokens"],
        };
        if (job.Request["stop"] is { } stop)
        {
            options.StopSequences.Add((string)stop!);
        }

        return options;
    }

    private static string? Code(ClientResultException error)
    {
        try
        {
            return error.GetRawResponse() is { } reply
                ? JsonDocument.Parse(reply.Content).RootElement.GetProperty("error").GetProperty("code").GetString()
                : null;
        }
        catch (Exception unread) when (unread is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }
}
