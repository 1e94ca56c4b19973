using System.Text.Json;
using System.Text.Json.Nodes;

namespace Souk.Conformance.Sdk;

/// <summary>One thing that an app does through an SDK.</summary>
/// <param name="Id">Names it among its fellows.</param>
/// <param name="IsStreamed">Whether the answer is streamed.</param>
/// <param name="Request">The request, without <c>stream</c>.</param>
internal sealed record SdkJob(string Id, bool IsStreamed, JsonObject Request)
{
    /// <summary>The app goes away after so many pieces of text.</summary>
    public int? AbortAfter { get; init; }

    public string? ApiKey { get; init; }

    public int MaxRetries { get; init; }

    /// <summary>An ordinary question.</summary>
    public static SdkJob Ask(string id, string question, bool isStreamed, Action<JsonObject>? more = null)
    {
        var request = new JsonObject
        {
            ["model"] = Composition.MarketNetwork.Model,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = question }),
        };
        if (isStreamed)
        {
            request["stream_options"] = new JsonObject { ["include_usage"] = true };
        }

        more?.Invoke(request);
        return new SdkJob(id, isStreamed, request);
    }
}

/// <summary>An error as an SDK raised it.</summary>
internal sealed record SdkError(string Name, int? Status, string? Code, string Message);

/// <summary>What the app got.</summary>
internal sealed record SdkOutcome(
    string Id, IReadOnlyList<string> Texts, IReadOnlyList<string?> Reasons, JsonElement? Usage, SdkError? Error,
        bool IsAborted)
{
    public long Prompt => Usage!.Value.GetProperty("prompt_tokens").GetInt64();

    public long Completion => Usage!.Value.GetProperty("completion_tokens").GetInt64();

    /// <summary>What the key was billed, in smallest units.</summary>
    public System.Numerics.BigInteger Cost => AdminReader.Units(Usage!.Value.GetProperty("cost").GetRawText());
}
