using System.Text.Json;
using Souk.Protocol;

namespace Souk.Engines.Upstream;

/// <summary>What Ollama tells beside its OpenAI-compatible API: that it is one, the context it gave the model that is
/// now loaded (/api/ps), and the blob that the model is (/api/show). Each is optional; an older Ollama lacks
/// some.</summary>
internal static class OllamaProbe
{
    private const string BlobMark = "sha256-";
    private const int HashLength = 64;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 64 };

    public static async Task<UpstreamProbe> CompleteAsync(
        UpstreamHttp http, UpstreamProbe found, CancellationToken cancellationToken)
    {
        // Models that Ollama's users made are owned by their names, so the version is what tells an Ollama.
        if (found.Server is not ("ollama" or "openai-compatible")
            || await AskAsync(() => http.GetAsync("../api/version", cancellationToken)) is not { } version
            || !version.TryGetProperty("version", out _))
        {
            return found;
        }

        byte[] question = JsonSerializer.SerializeToUtf8Bytes(
            new Dictionary<string, string> { ["model"] = found.Model });
        var loaded = await AskAsync(() => http.GetAsync("../api/ps", cancellationToken));
        var shown = await AskAsync(() => http.PostShortAsync("../api/show", question, cancellationToken));
        return found with { Server = "ollama", Context = ContextOf(loaded, found.Model), Blob = BlobOf(shown) };
    }

    private static int ContextOf(JsonElement? loaded, string model)
    {
        if (loaded is not { } root || !root.TryGetProperty("models", out var models)
            || models.ValueKind != JsonValueKind.Array)
        {
            return 0;
        }

        foreach (var entry in models.EnumerateArray().Where(entry => entry.ValueKind == JsonValueKind.Object))
        {
            if (entry.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String
                && name.ValueEquals(model) && entry.TryGetProperty("context_length", out var length)
                && length.ValueKind == JsonValueKind.Number && length.TryGetInt32(out int context) && context > 0)
            {
                return context;
            }
        }

        return 0;
    }

    /// <summary>The modelfile's FROM line names the blob's file, whose name is its hash.</summary>
    private static Bytes32? BlobOf(JsonElement? shown)
    {
        if (shown is not { } root || !root.TryGetProperty("modelfile", out var file)
            || file.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        foreach (string line in file.GetString()!.Split('\n'))
        {
            int at = line.StartsWith("FROM ", StringComparison.Ordinal)
                ? line.IndexOf(BlobMark, StringComparison.Ordinal) : -1;
            if (at >= 0 && line.Length >= at + BlobMark.Length + HashLength
                && Bytes32.TryParse("0x" + line.AsSpan(at + BlobMark.Length, HashLength).ToString(), out var hash))
            {
                return hash;
            }
        }

        return null;
    }

    /// <summary>The JSON object of a reply with status 200; null for anything else.</summary>
    private static async Task<JsonElement?> AskAsync(Func<Task<(int Status, byte[] Body)>> ask)
    {
        var (status, body) = await ask();
        if (status != 200)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(body, Options);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
