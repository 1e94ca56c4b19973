using System.Text;
using System.Text.Json.Nodes;
using Souk.Wire;

namespace Souk.Testbed.Market;

/// <summary>What an app got.</summary>
/// <param name="Status">The HTTP status; 0 where the connection failed before the headers.</param>
/// <param name="Headers">The headers.</param>
/// <param name="Text">The whole body.</param>
/// <param name="IsBroken">True where the app left, or the stream broke off.</param>
public sealed record AppReply(int Status, WireHeaders Headers, string Text, bool IsBroken)
{
    /// <summary>The data of each event of a stream.</summary>
    public IReadOnlyList<string> Events =>
        [.. Text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(part => part["data: ".Length..])];

    /// <summary>The events that are JSON.</summary>
    public IReadOnlyList<JsonNode> Chunks =>
        [.. Events.Where(data => data != "[DONE]").Select(data => JsonNode.Parse(data)!)];

    /// <summary>The body as JSON.</summary>
    public JsonNode Json => JsonNode.Parse(Text)!;

    /// <summary>The code of an error body.</summary>
    public string? ErrorCode => (string?)Json["error"]?["code"];

    /// <summary>The text of a choice, streamed or not.</summary>
    public string Content(int choice = 0) =>
        Headers["content-type"]!.StartsWith("text/event-stream", StringComparison.Ordinal)
        ? string.Concat(Chunks.SelectMany(chunk => chunk["choices"]?.AsArray() ?? [])
            .Where(part => (int)part!["index"]! == choice).Select(part => (string?)part!["delta"]!["content"]))
        : (string)Json["choices"]![choice]!["message"]!["content"]!;

    /// <summary>The finish reason of a choice, streamed or not.</summary>
    public string? FinishReason(int choice = 0) =>
        Headers["content-type"]!.StartsWith("text/event-stream", StringComparison.Ordinal)
            ? Chunks.SelectMany(chunk => chunk["choices"]?.AsArray() ?? [])
                .Where(part => (int)part!["index"]! == choice).Select(part => (string?)part!["finish_reason"])
                .LastOrDefault(reason => reason is not null)
            : (string?)Json["choices"]![choice]!["finish_reason"];
}

/// <summary>An app with an API key, at the gateway's front door.</summary>
public sealed class AppClient(IWireClient wire, PeerTarget gateway, string? apiKey)
{
    /// <summary>Posts a chat request.</summary>
    /// <param name="change">Changes the usual body, which asks for a whole answer to one short message.</param>
    /// <param name="leave">Cancelled when the app hangs up.</param>
    public Task<AppReply> ChatAsync(Action<JsonObject>? change = null, CancellationToken leave = default)
    {
        var body = new JsonObject
        {
            ["model"] = MarketHarness.ModelName,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Hello there" }),
        };
        change?.Invoke(body);
        return PostAsync(Encoding.UTF8.GetBytes(body.ToJsonString()), leave);
    }

    /// <summary>Posts JSON to a path.</summary>
    public Task<AppReply> PostAsync(string path, JsonObject body, CancellationToken leave = default) =>
        SendAsync(WireRequest.Json("POST", path, Encoding.UTF8.GetBytes(body.ToJsonString())), leave);

    /// <summary>Posts any bytes.</summary>
    public Task<AppReply> PostAsync(ReadOnlyMemory<byte> body, CancellationToken leave = default) =>
        SendAsync(WireRequest.Json("POST", "/v1/chat/completions", body), leave);

    /// <summary>Sends any request with the API key.</summary>
    public async Task<AppReply> SendAsync(WireRequest request, CancellationToken leave = default)
    {
        if (apiKey is not null)
        {
            request.Headers["authorization"] = "Bearer " + apiKey;
        }

        var text = new StringBuilder();
        WireReply? reply = null;
        try
        {
            reply = await wire.SendAsync(gateway, request, leave);
            await foreach (var piece in reply.ReadAsync(leave))
            {
                text.Append(Encoding.UTF8.GetString(piece.Span));
            }

            return new AppReply(reply.Status, reply.Headers, text.ToString(), IsBroken: false);
        }
        catch (Exception broken) when (broken is OperationCanceledException or WireException)
        {
            return new AppReply(reply?.Status ?? 0, reply?.Headers ?? [], text.ToString(), IsBroken: true);
        }
        finally
        {
            if (reply is not null)
            {
                await reply.DisposeAsync();
            }
        }
    }
}
