using System.Globalization;
using System.Text.Json;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Chat;

/// <summary>Checks a request body field by field; see <see cref="ChatRequest.Parse"/>.</summary>
internal static class ChatRequestParser
{
    internal static ParseResult<ChatRequest> Parse(ReadOnlyMemory<byte> utf8, ChatLimits limits) =>
        Read(utf8, limits, (fields, root, bounds) => Chat(fields, root, bounds, null));

    /// <summary>Reads any API's body: bounded and well-formed first, then field by field up to the first
    /// error.</summary>
    internal static ParseResult<T> Read<T>(
        ReadOnlyMemory<byte> utf8, ChatLimits limits, Func<FieldReader, JsonElement, ChatLimits, T> read)
    {
        if (utf8.Length > limits.MaxBodyBytes)
        {
            return OpenAiError.TooLarge($"The request has {utf8.Length} bytes; at most {limits.MaxBodyBytes} are "
                + $"taken.");
        }

        if (JsonGuard.Check(utf8.Span, limits.MaxDepth, limits.MaxJsonTokens) is { } malformed)
        {
            return malformed;
        }

        JsonElement root;
        using (var document = JsonDocument.Parse(utf8, JsonText.DocumentOptions(limits.MaxDepth)))
        {
            root = document.RootElement.Clone();
        }

        if (root.ValueKind != JsonValueKind.Object)
        {
            return OpenAiError.InvalidRequest("The request body must be a JSON object.");
        }

        var fields = new FieldReader(root, "");
        var request = read(fields, root, limits);
        return fields.Error is null ? request : fields.Error;
    }

    /// <summary>Reads an object that was guarded already.</summary>
    /// <param name="messages">The conversation, which was read from another API.</param>
    internal static ParseResult<ChatRequest> Read(
        JsonElement root, ChatLimits limits, IReadOnlyList<ChatMessage> messages)
    {
        var fields = new FieldReader(root, "");
        var request = Chat(fields, root, limits, messages);
        return fields.Error is null ? request : fields.Error;
    }

    private static ChatRequest Chat(
        FieldReader fields, JsonElement root, ChatLimits limits, IReadOnlyList<ChatMessage>? messages)
    {
        var model = Model(fields, limits);
        RefuseOthers(fields);
        messages ??= MessageReader.Read(fields, limits);
        var request = Sampled(fields, root, limits) with
        {
            Model = model,
            Messages = messages,
            Logprobs = Logprobs(fields, out var topLogprobs),
            TopLogprobs = topLogprobs,
            ReasoningEffort = fields.Text("reasoning_effort", limits.MaxNameLength),
            ParallelToolCalls = fields.Flag("parallel_tool_calls"),
            Tools = ToolReader.Tools(fields, limits),
            ToolChoice = ToolReader.Choice(fields, limits),
            ResponseFormat = ToolReader.ResponseFormat(fields, limits),
            TemplateVariables = TemplateVariables(fields, limits),
        };
        ToolReader.CheckChoice(fields, request.ToolChoice, request.Tools, limits);
        return request;
    }

    internal static string Model(FieldReader fields, ChatLimits limits)
    {
        var model = fields.Text("model", limits.MaxNameLength);
        if (string.IsNullOrEmpty(model))
        {
            fields.FailMissing("model");
        }

        return model ?? "";
    }

    /// <summary>What chats and completions have in common: how tokens are picked, and how they are delivered.</summary>
    internal static ChatRequest Sampled(FieldReader fields, JsonElement root, ChatLimits limits)
    {
        var isStream = fields.Flag("stream") ?? false;
        return new ChatRequest
        {
            Model = "",
            Messages = [],
            Stream = isStream,
            IncludeUsage = IncludeUsage(fields, isStream),
            ReturnTokenIds = fields.Flag("return_token_ids") ?? false,
            MaxTokens = MaxTokens(fields, out var minTokens),
            MinTokens = minTokens,
            Temperature = fields.Decimal("temperature", 0, 2),
            TopP = fields.Decimal("top_p", 0, 1),
            TopK = (int?)fields.Integer("top_k", -1, int.MaxValue),
            MinP = fields.Decimal("min_p", 0, 1),
            FrequencyPenalty = fields.Decimal("frequency_penalty", -2, 2),
            PresencePenalty = fields.Decimal("presence_penalty", -2, 2),
            Seed = fields.Integer("seed", long.MinValue, long.MaxValue),
            Choices = (int)(fields.Integer("n", 1, limits.MaxChoices) ?? 1),
            Stop = Stop(fields, limits),
            LogitBias = LogitBias(fields, limits),
            Provider = fields.Of("provider", JsonValueKind.Object, "an object"),
            Root = root,
        };
    }

    private static JsonElement? TemplateVariables(FieldReader fields, ChatLimits limits)
    {
        if (fields.Of("chat_template_kwargs", JsonValueKind.Object, "an object") is not { } variables)
        {
            return null;
        }

        if (variables.GetPropertyCount() <= limits.MaxTemplateVariables)
        {
            return variables;
        }

        fields.FailValue("chat_template_kwargs", $"at most {limits.MaxTemplateVariables} entries are taken.");
        return null;
    }

    private static int? MaxTokens(FieldReader fields, out int? least)
    {
        var older = (int?)fields.Integer("max_tokens", 0, int.MaxValue);
        var most = (int?)fields.Integer("max_completion_tokens", 0, int.MaxValue) ?? older;
        least = (int?)fields.Integer("min_tokens", 0, int.MaxValue);
        if (least > most)
        {
            fields.FailValue("min_tokens", $"it must not exceed the greatest number of tokens, {most}.");
        }

        return most;
    }

    // Old or different APIs whose answers would look otherwise. Ignoring them would bring something else than was
    // asked for.
    private static void RefuseOthers(FieldReader fields)
    {
        Refuse("functions", "it is deprecated and not served; send 'tools'.");
        Refuse("function_call", "it is deprecated and not served; send 'tool_choice'.");
        Refuse("audio", "audio output is not served.");
        Refuse("web_search_options", "web search is not served.");
        if (fields.Of("modalities", JsonValueKind.Array, "an array of strings") is { } modalities
            && modalities.EnumerateArray().Any(kind => kind.ValueKind != JsonValueKind.String
                || !kind.ValueEquals("text"u8)))
        {
            fields.FailValue("modalities", "only 'text' is served.", "unsupported_value");
        }

        void Refuse(string name, string message)
        {
            if (fields.Any(name) is not null)
            {
                fields.FailValue(name, message, "unsupported_parameter");
            }
        }
    }

    private static bool IncludeUsage(FieldReader fields, bool isStream)
    {
        if (fields.Of("stream_options", JsonValueKind.Object, "an object") is not { } options)
        {
            return false;
        }

        if (!isStream)
        {
            fields.FailValue("stream_options", "it is only allowed when 'stream' is enabled.");
            return false;
        }

        return fields.Inner(options, "stream_options").Flag("include_usage") ?? false;
    }

    private static bool Logprobs(FieldReader fields, out int? top)
    {
        var wanted = fields.Flag("logprobs") ?? false;
        top = (int?)fields.Integer("top_logprobs", 0, 20);
        if (top is > 0 && !wanted)
        {
            fields.FailValue("top_logprobs", "'logprobs' must be true when it is given.");
        }

        return wanted;
    }

    private static string[] Stop(FieldReader fields, ChatLimits limits)
    {
        if (fields.Any("stop") is not { } stop)
        {
            return [];
        }

        if (stop.ValueKind == JsonValueKind.String)
        {
            var only = fields.Bounded(stop, "stop", limits.MaxStopLength);
            return string.IsNullOrEmpty(only) ? [] : [only];
        }

        if (stop.ValueKind != JsonValueKind.Array)
        {
            fields.FailType("stop", "a string or an array of strings", stop.ValueKind);
            return [];
        }

        if (stop.GetArrayLength() > limits.MaxStops)
        {
            fields.FailValue(
                "stop",
                $"array too long. Expected an array with maximum length {limits.MaxStops}, "
                + $"but got an array with length {stop.GetArrayLength()} instead.",
                "array_above_max_length");
            return [];
        }

        var stops = new List<string>();
        foreach (var element in stop.EnumerateArray())
        {
            var path = $"stop[{stops.Count}]";
            if (element.ValueKind != JsonValueKind.String)
            {
                fields.FailType(path, "a string", element.ValueKind);
                break;
            }

            if (fields.Bounded(element, path, limits.MaxStopLength) is { Length: > 0 } text)
            {
                stops.Add(text);
            }
        }

        return [.. stops];
    }

    private static KeyValuePair<int, double>[] LogitBias(FieldReader fields, ChatLimits limits)
    {
        if (fields.Of("logit_bias", JsonValueKind.Object, "an object") is not { } bias)
        {
            return [];
        }

        var found = new SortedDictionary<int, double>();
        foreach (var entry in bias.EnumerateObject())
        {
            if (!int.TryParse(entry.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            {
                fields.FailValue("logit_bias", "keys must be token ids.");
                return [];
            }

            if (entry.Value.ValueKind != JsonValueKind.Number || Math.Abs(entry.Value.GetDouble()) > 100)
            {
                fields.FailValue("logit_bias", "values must be numbers from -100 to 100.");
                return [];
            }

            found[id] = entry.Value.GetDouble();
            if (found.Count > limits.MaxLogitBias)
            {
                fields.FailValue("logit_bias", $"at most {limits.MaxLogitBias} entries are taken.");
                return [];
            }
        }

        return [.. found];
    }
}
