namespace Souk.Market.Pricing;

/// <summary>
/// Bounds for counting <c>usage</c>, where only the upstream counts: customer and provider derive them alike, from what
/// both of them see.
/// </summary>
public static class UncountedWork
{
    private const ulong InputSlack = 1024;
    private const ulong BytesPerToken = 4;
    private const ulong EventsPerToken = 4;
    private const ulong EventSlack = 64;

    /// <summary>
    /// The most prompt tokens that can be billed: the bytes of the exact body that the provider receives, since no
    /// token is less than a byte, and 1,024 for what a chat template adds.
    /// </summary>
    /// <param name="bodyBytes">Length of the body, in bytes.</param>
    public static ulong MostInput(int bodyBytes) => (ulong)bodyBytes + InputSlack;

    /// <summary>
    /// Prompt tokens of an answer that broke off after its first token and before the upstream told its count: one for
    /// four bytes, as is usual for text, so that leaving early makes no prompt free.
    /// </summary>
    /// <param name="bodyBytes">Length of the body, in bytes.</param>
    public static ulong InputOfBroken(int bodyBytes) => (ulong)bodyBytes / BytesPerToken;

    /// <summary>
    /// The most events with output that an answer can bring. Servers split a token into several events where it ends
    /// reasoning or begins a tool call, so events beyond the token limit are no breach, but they need an end.
    /// </summary>
    /// <param name="outputTokens">The most output tokens that the request allows, over all choices.</param>
    public static ulong MostEvents(ulong outputTokens) => (outputTokens * EventsPerToken) + EventSlack;
}
