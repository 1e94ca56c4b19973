using System.Text.Json;
using Souk.OpenAi.Embeddings;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Chat;

/// <summary>
/// A checked request for an answer: a conversation, a raw prompt to go on with, or inputs to embed. Fields that steer
/// an answer are typed; what only passes through is kept as JSON. Null means that the app did not say, so that the
/// model's own default applies.
/// </summary>
public sealed record ChatRequest
{
    public required string Model { get; init; }

    /// <summary>The conversation; empty where there is a <see cref="Prompt"/> or an <see cref="Embedding"/>.</summary>
    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    /// <summary>The text to go on with, without roles or template (<c>/v1/completions</c>); null for a chat.</summary>
    public RawPrompt? Prompt { get; init; }

    /// <summary>What to embed (<c>/v1/embeddings</c>); null where tokens are wanted.</summary>
    public EmbeddingInputs? Embedding { get; init; }

    /// <summary>Log-probabilities of the prompt's own tokens are wanted before those of the answer: <c>echo</c> with
    /// <c>logprobs</c>. As many alternatives are told as <see cref="TopLogprobs"/> says.</summary>
    public bool PromptLogprobs { get; init; }

    public bool Stream { get; init; }

    /// <summary><c>stream_options.include_usage</c>.</summary>
    public bool IncludeUsage { get; init; }

    /// <summary><c>return_token_ids</c>: the app wants <c>token_ids</c> in each choice, as in vLLM.</summary>
    public bool ReturnTokenIds { get; init; }

    /// <summary><c>max_completion_tokens</c>, or else <c>max_tokens</c>; 0 is legal.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>Tokens of a choice before its end token may come (<c>min_tokens</c> as in vLLM); null or 0 is none.
    /// </summary>
    public int? MinTokens { get; init; }

    /// <summary>0 to 2; 0 means greedy.</summary>
    public double? Temperature { get; init; }

    public double? TopP { get; init; }

    /// <summary>0 or -1 means off.</summary>
    public int? TopK { get; init; }

    public double? MinP { get; init; }

    public double? FrequencyPenalty { get; init; }

    public double? PresencePenalty { get; init; }

    /// <summary>Any 64-bit integer.</summary>
    public long? Seed { get; init; }

    /// <summary>The field <c>n</c>, 1 where absent.</summary>
    public int Choices { get; init; } = 1;

    public IReadOnlyList<string> Stop { get; init; } = [];

    public bool Logprobs { get; init; }

    public int? TopLogprobs { get; init; }

    /// <summary>Additions to logits by token id, in ascending order of ids.</summary>
    public IReadOnlyList<KeyValuePair<int, double>> LogitBias { get; init; } = [];

    public string? ReasoningEffort { get; init; }

    public bool? ParallelToolCalls { get; init; }

    /// <summary>A non-empty array of tools, or null.</summary>
    public JsonElement? Tools { get; init; }

    public JsonElement? ToolChoice { get; init; }

    public JsonElement? ResponseFormat { get; init; }

    /// <summary>
    /// Extra variables for the chat template (<c>chat_template_kwargs</c> as in vLLM), an object or null.
    /// </summary>
    public JsonElement? TemplateVariables { get; init; }

    /// <summary>OpenRouter's routing preferences, an object or null; for the gateway only, never sent on.</summary>
    public JsonElement? Provider { get; init; }

    /// <summary>The whole request as it came, unknown fields included.</summary>
    public JsonElement Root { get; init; }

    public bool HasImages => Messages.Any(message => message.HasImage);

    /// <summary>
    /// Reads a request body. The bytes are not referred to afterwards. Fails with OpenAI's error object: 400 for what
    /// is
    /// wrong, 413 for a body over the limit. Never throws on any bytes.
    /// </summary>
    public static ParseResult<ChatRequest> Parse(ReadOnlyMemory<byte> utf8, ChatLimits? limits = null) =>
        ChatRequestParser.Parse(utf8, limits ?? ChatLimits.Default);

    /// <summary>A copy with a lower token limit and, where given, fewer choices than the app asked for.</summary>
    public ChatRequest WithLimits(int maxTokens, int? choices = null) =>
        this with { MaxTokens = maxTokens, Choices = choices ?? Choices };

    /// <summary>
    /// The exact body that goes to a provider or an upstream engine: an allow-list of fields, written anew from what
    /// was checked, so that nothing unknown (a URL to fetch, a grammar under another name) can ride along.
    /// </summary>
    public byte[] ToProviderBody(ProviderBody body) => ProviderBodyWriter.Write(this, body);

    /// <inheritdoc cref="ToProviderBody(ProviderBody)"/>
    public byte[] ToProviderBody(string model, int? maxTokens) =>
        ToProviderBody(new ProviderBody(model) { MaxTokens = maxTokens, WithBase64 = true });
}
