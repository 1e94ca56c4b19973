using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Streaming;
using Souk.Protocol;

namespace Souk.Engines.Upstream;

/// <summary>Learns what an upstream can do by asking it, one small request per feature, because a server that ignores
/// a field answers as if it had obeyed. A feature is stated only where the answer shows it.</summary>
internal sealed class UpstreamTrials(UpstreamHttp http, UpstreamOptions options, string model, TimeProvider time)
{
    /// <summary>What every trial asks; a server's log shows these lines at each start of its provider.</summary>
    public const string Question = "Name three rivers.";

    /// <summary>A call and a JSON answer need some tokens more than the rest.</summary>
    private const int LongAnswer = 64;
    private const int ShortAnswer = 12;
    private const long MaxAnswerBytes = 1024 * 1024;

    /// <summary>One red pixel, PNG.</summary>
    private const string Picture =
        "data:image/png;base64,"
        + "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC";

    private readonly SortedSet<string> shown = new(StringComparer.Ordinal);

    /// <summary>Set once a trial took too long: what follows would wait behind it.</summary>
    private bool isStuck;

    private static readonly TimeSpan LongestTrial = TimeSpan.FromSeconds(30);
    private static readonly JsonElement Tools = Json(
        """
        [{"type":"function","function":{"name":"look_up","description":"Looks a word up.","parameters":
        {"type":"object","properties":{"word":{"type":"string","enum":["river"]}},"required":["word"],
        "additionalProperties":false}}}]
        """);

    private static readonly JsonElement Required = Json("\"required\"");
    private static readonly JsonElement Schema = Json(
        """
        {"type":"json_schema","json_schema":{"name":"trial","strict":true,"schema":{"type":"object","properties":
        {"souk":{"type":"string","enum":["yes"]}},"required":["souk"],"additionalProperties":false}}}
        """);

    /// <summary>Runs all trials one after the other. A trial that fails leaves its feature out; one that takes too long
    /// ends the trials too. Neither is a reason not to sell the model, as long as it still answers.</summary>
    /// <returns>Feature words that the upstream showed.</returns>
    /// <exception cref="EngineException">Ours: the upstream no longer answers.</exception>
    public async Task<IReadOnlySet<string>> RunAsync(bool givesIds, CancellationToken cancellationToken)
    {
        var plain = await AskAsync(Chat() with { Temperature = 0 }, cancellationToken);
        if (plain is not null)
        {
            await TryPlainOnesAsync(plain, givesIds, cancellationToken);
            await TryRiskyOnesAsync(plain, cancellationToken);
        }

        await RequireAwakeAsync(cancellationToken);
        return shown;
    }

    private async Task TryPlainOnesAsync(TrialAnswer plain, bool givesIds, CancellationToken cancellationToken)
    {
        var penalised = Chat() with { FrequencyPenalty = 0.5, PresencePenalty = 0.5 };
        await NoteAsync(EngineFeatures.Penalties, penalised, _ => true, cancellationToken);
        var scored = Chat() with { Logprobs = true, TopLogprobs = 1 };
        await NoteAsync(EngineFeatures.Logprobs, scored, a => a.HasLogprobs, cancellationToken);
        await NoteAsync(EngineFeatures.ManyChoices, Chat() with { Choices = 2 }, a =>
            a.Choices == 2, cancellationToken);

        // The middle of the answer that comes without a stop must be missing from the one that comes with it.
        if (plain.Text.Trim() is { Length: >= 3 } words)
        {
            string stop = words.Substring(words.Length / 2, 1);
            await NoteAsync(
                EngineFeatures.Stop, Chat() with { Temperature = 0, Stop = [stop] },
                a => !a.Text.Contains(stop, StringComparison.Ordinal), cancellationToken);
        }

        // The same seed twice, at a temperature at which two answers of twelve tokens hardly coincide.
        var seeded = Chat() with { Temperature = 1.5, Seed = 7 };
        var once = isStuck ? null : await AskAsync(seeded, cancellationToken);
        await NoteAsync(
            EngineFeatures.Seed, seeded, a => once is not null && a.Text == once.Text, cancellationToken);
        if (givesIds && plain.FirstId is { } first)
        {
            await NoteAsync(
                EngineFeatures.LogitBias, Chat() with { Temperature = 0, LogitBias = [new(first, -100)] },
                a => a.FirstId is { } other && other != first, cancellationToken);
        }

        if (!isStuck && await ContinuesAsync(plain.Text, cancellationToken))
        {
            shown.Add(EngineFeatures.Continuation);
        }

        if (!isStuck && await ScoresPromptsAsync(cancellationToken))
        {
            shown.Add(EngineFeatures.PromptLogprobs);
        }
    }

    /// <summary>Comes last, because servers have been seen that never come back from these.</summary>
    private async Task TryRiskyOnesAsync(TrialAnswer plain, CancellationToken cancellationToken)
    {
        await NoteAsync(
            EngineFeatures.Images, Chat(ImageMessage()),
            a => a.PromptTokens > 0 && a.PromptTokens > plain.PromptTokens, cancellationToken);
        await NoteAsync(
            EngineFeatures.JsonSchema, Chat() with { ResponseFormat = Schema, MaxTokens = LongAnswer },
            a => IsWhatTheSchemaAllows(a.Text), cancellationToken);
        await NoteAsync(
            EngineFeatures.Tools, Chat() with { Tools = Tools, ToolChoice = Required, MaxTokens = LongAnswer },
            a => a.HasToolCalls, cancellationToken);
    }

    private async Task NoteAsync(
        string feature, ChatRequest chat, Func<TrialAnswer, bool> shows, CancellationToken cancellationToken)
    {
        if (!isStuck && await AskAsync(chat, cancellationToken) is { } answer && shows(answer))
        {
            shown.Add(feature);
        }
    }

    private async Task RequireAwakeAsync(CancellationToken cancellationToken)
    {
        if (isStuck && await AskAsync(Chat(), cancellationToken) is null)
        {
            throw new EngineException(
                Fault.Ours, "upstream_unusable",
                "The upstream stopped answering while its features were tried. Restart it, and name what it can do "
                    + "(--upstream-feature), so that it is not tried.");
        }
    }

    /// <summary>Whether the upstream goes on with an assistant's message that was begun: half of its own greedy answer
    /// must be followed by the other half.</summary>
    private async Task<bool> ContinuesAsync(string text, CancellationToken cancellationToken)
    {
        int cut = text.LastIndexOf(' ', Math.Max(text.Length / 2, 0));
        if (cut < 1)
        {
            return false;
        }

        var begun = Chat(ChatMessage.OfText("user", Question), ChatMessage.OfText("assistant", text[..cut]));
        var answer = await AskAsync(begun with { Temperature = 0 }, cancellationToken, writer =>
        {
            writer.WriteBoolean("add_generation_prompt"u8, false);
            writer.WriteBoolean("continue_final_message"u8, true);
        });
        string rest = text[cut..].TrimEnd();
        return answer is { Text.Length: > 0 } && answer.Text.StartsWith(
            rest[..Math.Min(rest.Length, answer.Text.Length)], StringComparison.Ordinal);
    }

    /// <summary>Whether /v1/completions echoes a prompt with the log-probability of each of its tokens.</summary>
    private async Task<bool> ScoresPromptsAsync(CancellationToken cancellationToken)
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object>
        {
            ["model"] = model, ["prompt"] = Question, ["max_tokens"] = 1, ["echo"] = true, ["logprobs"] = 1,
        });
        var reply = await TryAsync(token => http.PostShortAsync("completions", body, token), cancellationToken);
        if (reply.Status != 200)
        {
            return false;
        }

        try
        {
            using var document = JsonDocument.Parse(reply.Body);
            return document.RootElement.GetProperty("choices")[0].GetProperty("logprobs")
                .GetProperty("token_logprobs").GetArrayLength() > 2;
        }
        catch (Exception other) when (other is JsonException or InvalidOperationException or KeyNotFoundException
            or IndexOutOfRangeException)
        {
            return false;
        }
    }

    private static bool IsWhatTheSchemaAllows(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("souk", out var value) && value.ValueEquals("yes");
        }
        catch (Exception other) when (other is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private Task<TrialAnswer?> AskAsync(
        ChatRequest chat, CancellationToken cancellationToken, Action<Utf8JsonWriter>? extra = null)
    {
        byte[] body = chat.ToProviderBody(new ProviderBody(model) { MaxTokens = chat.MaxTokens, Extra = extra });
        return TryAsync(token => ReadAsync(body, token), cancellationToken);
    }

    private async Task<TrialAnswer?> ReadAsync(byte[] body, CancellationToken cancellationToken)
    {
        using var reply = await http.PostAsync("chat/completions", body, cancellationToken);
        if ((int)reply.StatusCode != 200)
        {
            return null;
        }

        await using var stream = await UpstreamHttp.BodyAsync(reply, cancellationToken);
        var limits = new SseLimits { MaxLineBytes = options.MaxEventBytes, MaxTotalBytes = MaxAnswerBytes };
        var answer = new TrialAnswer();
        await foreach (var item in SseReader.ReadAsync(stream, limits, cancellationToken))
        {
            if (item.Kind == SseItemKind.Data && ChatChunk.IsDone(item.Bytes.Span))
            {
                break;
            }

            if (item.Kind == SseItemKind.Data
                && (ChatChunk.Parse(item.Bytes.Span) is not { IsOk: true, Value.Error: null } chunk
                    || !answer.Take(chunk.Value)))
            {
                return null;
            }
        }

        return answer;
    }

    private async Task<T?> TryAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(time, cancellationToken);
        deadline.Start(
            options.FirstTokenTimeout < LongestTrial ? options.FirstTokenTimeout : LongestTrial, Deadline.FirstToken);
        try
        {
            return await ask(deadline.Token);
        }
        catch (Exception failed) when (!cancellationToken.IsCancellationRequested && failed
            is EngineException or SseException or IOException or HttpRequestException or OperationCanceledException)
        {
            isStuck |= deadline.HasExpired;
            return default;
        }
    }

    private ChatRequest Chat(params ChatMessage[] messages) => new()
    {
        Model = model,
        Messages = messages.Length > 0 ? messages : [ChatMessage.OfText("user", Question)],
        MaxTokens = ShortAnswer,
    };

    // Read by the parser, so that a trial's image goes out exactly as an app's would.
    private static ChatMessage ImageMessage()
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(new
        {
            model = "trial",
            messages = new[]
            {
                new
                {
                    role = "user",
                    content = new object[]
                    {
                        new { type = "text", text = Question },
                        new { type = "image_url", image_url = new { url = Picture } },
                    },
                },
            },
        });
        return ChatRequest.Parse(body).Value.Messages[0];
    }

    private static JsonElement Json(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    /// <summary>What one trial brought.</summary>
    private sealed class TrialAnswer
    {
        private readonly HashSet<int> choices = [];

        public string Text { get; private set; } = "";

        public int? FirstId { get; private set; }

        public bool HasLogprobs { get; private set; }

        public bool HasToolCalls { get; private set; }

        public int Choices => choices.Count;

        public long PromptTokens { get; private set; }

        /// <summary>False where the server sends choices that nobody asked for.</summary>
        public bool Take(ChatChunk chunk)
        {
            PromptTokens = chunk.Usage?.PromptTokens ?? PromptTokens;
            foreach (var choice in chunk.Choices)
            {
                if (choice.Index is < 0 or > 8)
                {
                    return false;
                }

                choices.Add(choice.Index);
                Text += choice.Index == 0 ? choice.Content : "";
                FirstId ??= choice.TokenIds is [var first, ..] ? first : null;
                HasLogprobs |= choice.Logprobs.Length > 2 && !choice.Logprobs.Span.SequenceEqual("null"u8);
                HasToolCalls |= !choice.ToolCalls.IsEmpty;
            }

            return true;
        }
    }
}
