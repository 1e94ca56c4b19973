using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Streaming;
using Souk.Protocol;

namespace Souk.Engines.Upstream;

/// <summary>What an upstream turned out to be when it was asked at start.</summary>
/// <param name="Model">The model's name there.</param>
/// <param name="Server">"vllm", "sglang", "llama.cpp", "ollama" or "openai-compatible".</param>
/// <param name="Context">Tokens; 0 where it does not tell.</param>
/// <param name="Vocabulary">Number of tokens; 0 where it does not tell.</param>
/// <param name="GivesIds">It answers return_token_ids with ids.</param>
internal sealed record UpstreamProbe(string Model, string Server, int Context, int Vocabulary, bool GivesIds)
{
    /// <summary>Feature words that the trials showed.</summary>
    public IReadOnlySet<string> Shown { get; init; } = new HashSet<string>();

    /// <summary>SHA-256 of the model's one file, where the server tells; null otherwise.</summary>
    public Bytes32? Blob { get; init; }

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 32 };

    /// <summary>Lists the models, picks one, and has it generate one token to learn what a stream of it
    /// carries.</summary>
    /// <exception cref="EngineException">Ours: unreachable, unknown model, or a stream that nobody could
    /// bill.</exception>
    public static async Task<UpstreamProbe> RunAsync(
        UpstreamHttp http, UpstreamOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(time, cancellationToken);
        deadline.Start(options.FirstTokenTimeout, Deadline.FirstToken);
        try
        {
            var (status, body) = await http.GetAsync("models", deadline.Token);
            if (status != 200)
            {
                throw Unusable($"its list of models answers with status {status}");
            }

            var found = Pick(body, options.Model);
            bool? gives = await TryAsync(http, options, found.Model, withIds: true, deadline.Token);
            gives ??= await TryAsync(http, options, found.Model, withIds: false, deadline.Token);
            if (gives is null && await UpstreamEmbedding.TryAsync(http, found.Model, deadline.Token))
            {
                return found with { Shown = new HashSet<string> { EngineFeatures.Embeddings } };
            }

            found = found with { GivesIds = gives ?? throw Unusable("it refuses a plain streamed request") };
            found = await OllamaProbe.CompleteAsync(http, found, deadline.Token);
            deadline.Pause();
            if (options.Features is { } known)
            {
                return found with { Shown = known.ToHashSet(StringComparer.Ordinal) };
            }

            var trials = new UpstreamTrials(http, options, found.Model, time);
            return found with { Shown = await trials.RunAsync(found.GivesIds, cancellationToken) };
        }
        catch (OperationCanceledException) when (deadline.HasExpired)
        {
            throw new EngineException(
                Fault.Ours, deadline.Code, "The upstream did not answer the first question in time.");
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException)
        {
            throw UpstreamHttp.BrokeOff(broken);
        }
    }

    /// <summary>Reads a reply to /v1/models. <paramref name="wanted"/> null takes the only model listed.</summary>
    internal static UpstreamProbe Pick(ReadOnlyMemory<byte> body, string? wanted)
    {
        try
        {
            using var document = JsonDocument.Parse(body, Options);
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("data", out var data) || data.ValueKind != JsonValueKind.Array)
            {
                throw Unusable("its list of models is not in OpenAI's shape");
            }

            var models = data.EnumerateArray()
                .Where(entry => entry.ValueKind == JsonValueKind.Object && Text(entry, "id") is not null).ToList();
            var picked = wanted is null
                ? models
                : [.. models.Where(entry => Text(entry, "id") == wanted || Text(entry, "id") == wanted + ":latest")];
            if (picked.Count != 1)
            {
                string names = string.Join(", ", models.Take(20).Select(entry => Text(entry, "id")));
                throw Unusable(wanted is null
                    ? $"it lists {models.Count} models, so Model must name one of: {names}"
                    : $"it does not list the model \"{wanted}\" exactly once; it lists: {names}");
            }

            return Describe(picked[0]);
        }
        catch (JsonException)
        {
            throw Unusable("its list of models is not JSON");
        }
    }

    private static UpstreamProbe Describe(JsonElement entry)
    {
        string owner = Text(entry, "owned_by") ?? "";
        string server = owner switch
        {
            "vllm" => "vllm",
            "sglang" => "sglang",
            "llamacpp" => "llama.cpp",
            "library" => "ollama",
            _ => "openai-compatible",
        };
        var meta = entry.TryGetProperty("meta", out var inner) && inner.ValueKind == JsonValueKind.Object
            ? inner : default;
        int context = Number(entry, "max_model_len");
        context = context > 0 ? context : Number(meta, "n_ctx");
        context = context > 0 ? context : Number(meta, "n_ctx_train");
        return new UpstreamProbe(Text(entry, "id")!, server, context, Number(meta, "n_vocab"), false);
    }

    /// <summary>Whether a stream carries ids; null where the upstream refuses the request itself.</summary>
    private static async Task<bool?> TryAsync(
        UpstreamHttp http, UpstreamOptions options, string model, bool withIds, CancellationToken cancellationToken)
    {
        var chat = new ChatRequest { Model = model, Messages = [ChatMessage.OfText("user", "Hi")] };
        byte[] body = chat.ToProviderBody(new ProviderBody(model) { MaxTokens = 1, ReturnTokenIds = withIds });
        using var reply = await http.PostAsync("chat/completions", body, cancellationToken);
        int status = (int)reply.StatusCode;
        // A server without this path, or with a model that only embeds, is asked otherwise.
        if (status is 400 or 404 or 405 or 422 or 424 or 501)
        {
            return null;
        }

        if (status != 200)
        {
            throw Unusable($"a streamed request answers with status {status}");
        }

        await using var stream = await UpstreamHttp.BodyAsync(reply, cancellationToken);
        bool ids = false;
        bool usage = false;
        var limits = new SseLimits { MaxLineBytes = options.MaxEventBytes, MaxTotalBytes = 4 * 1024 * 1024 };
        try
        {
            await foreach (var item in SseReader.ReadAsync(stream, limits, cancellationToken))
            {
                if (item.Kind != SseItemKind.Data || ChatChunk.IsDone(item.Bytes.Span))
                {
                    continue;
                }

                var chunk = ChatChunk.Parse(item.Bytes.Span);
                if (chunk.IsOk && chunk.Value.Error is null)
                {
                    usage |= chunk.Value.Usage is not null;
                    ids |= chunk.Value.Choices.Any(choice => choice.TokenIds is { Length: > 0 });
                }
            }
        }
        catch (Exception broken) when (broken is SseException or InvalidDataException)
        {
            throw Unusable("its stream breaks the bounds of an event stream");
        }

        return ids || usage
            ? ids
            : throw Unusable("its stream carries neither usage nor token ids, so no bill could be made");
    }

    private static string? Text(JsonElement entry, string name) =>
        entry.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString() : null;

    private static int Number(JsonElement entry, string name) =>
        entry.ValueKind == JsonValueKind.Object && entry.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number > 0 ? number : 0;

    private static EngineException Unusable(string why) =>
        new(Fault.Ours, "upstream_unusable", $"The upstream cannot be sold: {why}.");
}
