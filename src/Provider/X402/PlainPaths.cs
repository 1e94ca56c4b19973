namespace Souk.Provider.X402;

/// <summary>The paths of clients without a gateway: OpenAI's own, and those of an x402 facilitator.</summary>
internal static class PlainPaths
{
    public const string ChatCompletions = "/v1/chat/completions";
    public const string Completions = "/v1/completions";
    public const string Embeddings = "/v1/embeddings";
    public const string Models = "/v1/models";
    public const string Supported = "/supported";
    public const string Verify = "/verify";
    public const string Settle = "/settle";
}
