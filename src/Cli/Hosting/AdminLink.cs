using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Souk.OpenAi.Errors;
using Souk.Protocol;

namespace Souk.Cli.Hosting;

/// <summary>The owner's way into a gateway's admin API.</summary>
internal sealed class AdminLink : IDisposable
{
#pragma warning disable RS0030 // Adapter: the command line's own client.
    private readonly HttpClient _http;

    public AdminLink(string url, string token)
    {
        _http = new HttpClient { BaseAddress = new Uri(url), Timeout = TimeSpan.FromSeconds(60) };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public Task<Result<JsonElement>> GetAsync(string path, CancellationToken cancellation) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Get, path), cancellation);

    public Task<Result<JsonElement>> DeleteAsync(string path, CancellationToken cancellation) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Delete, path), cancellation);

    public Task<Result<JsonElement>> PostAsync(string path, object body, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Post, path, body, cancellation);

    public Task<Result<JsonElement>> PatchAsync(string path, object body, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Patch, path, body, cancellation);

    public void Dispose() => _http.Dispose();

    private Task<Result<JsonElement>> SendAsync(
        HttpMethod method, string path, object body, CancellationToken cancellation) =>
        SendAsync(
            new HttpRequestMessage(method, path)
            {
                Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json"),
            },
            cancellation);

    private async Task<Result<JsonElement>> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        using (request)
        {
            try
            {
                using var reply = await _http.SendAsync(request, cancellation);
                var bytes = await reply.Content.ReadAsByteArrayAsync(cancellation);
                if (!reply.IsSuccessStatusCode)
                {
                    var error = OpenAiError.Parse(bytes, (int)reply.StatusCode);
                    return new Refusal(Fault.Theirs, error.Code ?? "refused", error.Message);
                }

                using var document = JsonDocument.Parse(bytes);
                return document.RootElement.Clone();
            }
            catch (HttpRequestException unreachable)
            {
                return new Refusal(
                    Fault.Nobody, "owner_door_unreachable",
                    $"The owner's door does not answer ({unreachable.Message}); is it running? Try 'souk status'.");
            }
        }
    }
}
