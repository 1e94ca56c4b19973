using System.Text.Json;

namespace Souk.OpenAi.Chat;

/// <summary>What the sender of a rewritten request decides, whatever the app asked for.</summary>
/// <param name="Model">The model's name or digest as the receiver knows it.</param>
public sealed record ProviderBody(string Model)
{
    /// <summary>Output tokens per choice; null sends the request's own limit, if it has one.</summary>
    public int? MaxTokens { get; init; }

    /// <summary><c>max_tokens</c> is what every open server reads; some hosted ones want the newer name.</summary>
    public string MaxTokensField { get; init; } = "max_tokens";

    public bool Stream { get; init; } = true;

    public bool IncludeUsage { get; init; } = true;

    public bool ReturnTokenIds { get; init; } = true;

    /// <summary>Seed to send instead of the app's; null sends the app's, if it gave one.</summary>
    public long? Seed { get; init; }

    /// <summary>Stop strings go along unless the caller matches them itself.</summary>
    public bool WithStop { get; init; } = true;

    /// <summary>Embeddings are asked for in base64, a third of their size in digits, which only some servers
    /// know.</summary>
    public bool WithBase64 { get; init; }

    /// <summary>Writes further properties into the open object, after all others.</summary>
    public Action<Utf8JsonWriter>? Extra { get; init; }
}
