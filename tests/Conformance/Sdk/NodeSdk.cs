using System.Text.Json;
using System.Text.Json.Nodes;

namespace Souk.Conformance.Sdk;

/// <summary>The official SDK for Node, in a process of its own.</summary>
internal static class NodeSdk
{
    public static async Task<IReadOnlyList<SdkOutcome>> RunAsync(
        Uri baseUrl, string apiKey, IEnumerable<SdkJob> jobs, int concurrency = 1)
    {
        var described = new JsonArray();
        foreach (var job in jobs)
        {
            described.Add(new JsonObject
            {
                ["id"] = job.Id,
                ["action"] = job.IsStreamed ? "stream" : "whole",
                ["request"] = job.Request.DeepClone(),
                ["abortAfter"] = job.AbortAfter,
                ["apiKey"] = job.ApiKey,
                ["maxRetries"] = job.MaxRetries,
            });
        }

        return await ReadAsync(baseUrl, apiKey, described, concurrency);
    }

    /// <summary>Requests to a path as they are.</summary>
    public static Task<IReadOnlyList<SdkOutcome>> SendAsync(
        Uri baseUrl, string apiKey, string path, IEnumerable<JsonObject> requests) =>
        ReadAsync(baseUrl, apiKey, new JsonArray([.. requests.Select(request => new JsonObject
        {
            ["id"] = path, ["action"] = path, ["request"] = request.DeepClone(),
        })]), 1);

    private static async Task<IReadOnlyList<SdkOutcome>> ReadAsync(
        Uri baseUrl, string apiKey, JsonArray jobs, int concurrency)
    {
        var outcomes = await DriveAsync(baseUrl, apiKey, jobs, concurrency);
        return [.. outcomes.EnumerateArray().Select(Read)];
    }

    /// <summary>Ids of the models that the SDK lists.</summary>
    public static async Task<IReadOnlyList<string>> ModelsAsync(Uri baseUrl, string apiKey)
    {
        var jobs = new JsonArray(new JsonObject { ["id"] = "models", ["action"] = "models" });
        var outcomes = await DriveAsync(baseUrl, apiKey, jobs, 1);
        return [.. outcomes[0].GetProperty("models").EnumerateArray().Select(model => model.GetString()!)];
    }

    /// <summary>One call of another kind: "complete", "completeStream" or "embed"; the outcome as the driver tells
    /// it.</summary>
    public static async Task<JsonElement> CallAsync(Uri baseUrl, string apiKey, string action, JsonObject request)
    {
        var job = new JsonObject { ["id"] = action, ["action"] = action, ["request"] = request };
        var outcome = (await DriveAsync(baseUrl, apiKey, new JsonArray(job), 1))[0];
        if (outcome.GetProperty("error") is { ValueKind: JsonValueKind.Object } error)
        {
            Assert.True(error.GetProperty("isApiError").GetBoolean(), error.GetRawText());
        }

        return outcome;
    }

    private static Task<JsonElement> DriveAsync(Uri baseUrl, string apiKey, JsonArray jobs, int concurrency) =>
        NodeScript.RunAsync("drive.mjs", new JsonObject
        {
            ["baseURL"] = baseUrl.ToString(), ["apiKey"] = apiKey, ["concurrency"] = concurrency, ["jobs"] = jobs,
        });

    private static SdkOutcome Read(JsonElement outcome)
    {
        var (usage, error) = (outcome.GetProperty("usage"), outcome.GetProperty("error"));
        if (error.ValueKind == JsonValueKind.Object)
        {
            Assert.True(error.GetProperty("isApiError").GetBoolean(), error.GetRawText());
        }

        return new SdkOutcome(
            outcome.GetProperty("id").GetString()!,
            [.. outcome.GetProperty("texts").EnumerateArray().Select(text => text.GetString()!)],
            [.. outcome.GetProperty("reasons").EnumerateArray().Select(reason => reason.GetString())],
            usage.ValueKind == JsonValueKind.Null ? null : usage,
            error.ValueKind == JsonValueKind.Null
                ? null
                : new SdkError(
                    error.GetProperty("name").GetString()!,
                    error.TryGetProperty("status", out var status) && status.ValueKind == JsonValueKind.Number
                        ? status.GetInt32() : null,
                    error.TryGetProperty("code", out var code) ? code.GetString() : null,
                    error.GetProperty("message").GetString()!),
            outcome.GetProperty("isAborted").GetBoolean());
    }
}
