using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.OpenAi.Streaming;
using Souk.Protocol;

namespace Souk.Cli.Hosting;

/// <summary>What a chat brought.</summary>
internal sealed record ChatReply(string RequestId, string Text, long PromptTokens, long CompletionTokens, string Cost);

/// <summary>A plain client of an OpenAI-compatible gateway.</summary>
internal sealed class OpenAiLink : IDisposable
{
#pragma warning disable RS0030 // Adapter: the command line's own client.
    private readonly HttpClient _http;

    public OpenAiLink(string url, string apiKey)
    {
        _http = new HttpClient { BaseAddress = new Uri(url), Timeout = Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", apiKey);
    }

    /// <summary>Chats, streamed; each piece of text is told as it comes.</summary>
    public async Task<Result<ChatReply>> ChatAsync(
        string model, IReadOnlyList<(string Role, string Content)> messages, Action<string> onText,
        CancellationToken cancellation)
    {
        var body = JsonSerializer.Serialize(new
        {
            model,
            stream = true,
            stream_options = new { include_usage = true },
            messages = messages.Select(message => new { role = message.Role, content = message.Content }),
        });
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
            {
                Content = new StringContent(body, Encoding.UTF8, "application/json"),
            };
            using var reply = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            if (!reply.IsSuccessStatusCode)
            {
                var bytes = await reply.Content.ReadAsByteArrayAsync(cancellation);
                var error = OpenAiError.Parse(bytes, (int)reply.StatusCode);
                return new Refusal(Fault.Theirs, error.Code ?? "refused", error.Message);
            }

            var id = reply.Headers.TryGetValues("x-request-id", out var ids) ? ids.First() : "";
            await using var stream = await reply.Content.ReadAsStreamAsync(cancellation);
            return await ReadAsync(id, stream, onText, cancellation);
        }
        catch (HttpRequestException unreachable)
        {
            return new Refusal(
                Fault.Nobody, "gateway_unreachable",
                $"The gateway does not answer ({unreachable.Message}); is it running? Try 'souk status'.");
        }
    }

    /// <summary>The first model that can be asked for now, or null.</summary>
    public async Task<string?> FirstModelAsync(CancellationToken cancellation)
    {
        using var reply = await _http.GetAsync(new Uri("/v1/models", UriKind.Relative), cancellation);
        reply.EnsureSuccessStatusCode();
        using var document = JsonDocument.Parse(await reply.Content.ReadAsByteArrayAsync(cancellation));
        return document.RootElement.GetProperty("data").EnumerateArray()
            .Select(model => model.GetProperty("id").GetString()).FirstOrDefault();
    }

    public void Dispose() => _http.Dispose();

    private static async Task<Result<ChatReply>> ReadAsync(
        string id, Stream stream, Action<string> onText, CancellationToken cancellation)
    {
        StringBuilder text = new();
        Usage? usage = null;
        await foreach (var item in SseReader.ReadAsync(stream, null, cancellation))
        {
            if (item.Kind != SseItemKind.Data || ChatChunk.IsDone(item.Bytes.Span))
            {
                continue;
            }

            var chunk = ChatChunk.Parse(item.Bytes.Span);
            if (!chunk.IsOk || chunk.Value.Error is not null)
            {
                var error = chunk.Error ?? chunk.Value.Error!;
                return new Refusal(Fault.Theirs, error.Code ?? "stream_failed", error.Message);
            }

            usage = chunk.Value.Usage ?? usage;
            foreach (var piece in chunk.Value.Choices.Select(choice => choice.Content).OfType<string>())
            {
                text.Append(piece);
                onText(piece);
            }
        }

        return new ChatReply(
            id, text.ToString(), usage?.PromptTokens ?? 0, usage?.CompletionTokens ?? 0, usage?.Cost ?? "unknown");
    }
}
