using Souk.OpenAi.Chat;
using Souk.OpenAi.Completions;
using Souk.OpenAi.Embeddings;
using Souk.OpenAi.Errors;
using Souk.Protocol;
using Souk.Provider.Channels;
using Souk.Provider.Offers;
using Souk.Provider.Requests;

namespace Souk.Provider.X402;

/// <summary>A plain client's request: what it buys and the shape of its answer.</summary>
/// <param name="Text">Set where it speaks the older API of completions.</param>
/// <param name="Price">What its 402 states: the worst case.</param>
internal sealed record PlainRequest(Priced Priced, CompletionRequest? Text, Amount Price)
{
    public ChatRequest Chat => Priced.Chat;
}

/// <summary>
/// Reads and counts requests that are not paid yet. That costs time whoever asks, so a peer has so many a minute; a
/// channel's own customer, known by its signature, is not counted.
/// </summary>
internal sealed class PriceDesk(ProviderOptions options, OfferDesk offers, TimeProvider time)
{
    private const int MostBodyBytes = 4 << 20;
    private readonly OpeningRate<string> _asked =
        new(options.QuotesPerPeerAndMinute, time, TimeSpan.FromMinutes(1));

    /// <summary>Counts one question of a peer, if there is one left.</summary>
    public OpenAiError? Count(string peer) => _asked.TryTake(peer)
        ? null
        : OpenAiError.RateLimited("Too many unpaid requests came from there; try again in a minute.");

    /// <summary>Reads a request and works out what it can cost.</summary>
    public ParseResult<PlainRequest> Price(string path, ReadOnlyMemory<byte> body)
    {
        if (body.Length > MostBodyBytes)
        {
            return OpenAiError.TooLarge($"A request has at most {MostBodyBytes} bytes.");
        }

        CompletionRequest? text = null;
        ParseResult<ChatRequest> parsed;
        if (path == PlainPaths.Completions)
        {
            var completion = CompletionRequest.Parse(body);
            text = completion.IsOk ? completion.Value : null;
            parsed = completion.IsOk ? completion.Value.Chat : completion.Error;
        }
        else
        {
            parsed = path == PlainPaths.Embeddings ? EmbeddingInputs.Parse(body) : ChatRequest.Parse(body);
        }

        return parsed.IsOk ? Price(parsed.Value, text, body.Length) : parsed.Error;
    }

    private ParseResult<PlainRequest> Price(ChatRequest chat, CompletionRequest? text, int bodyBytes)
    {
        if (offers.Newest.FirstOrDefault(offer => IsNamed(offer.Signed.Message, chat.Model)) is not { } standing)
        {
            return OpenAiError.ModelNotFound(chat.Model);
        }

        if (!Admission.CountPrompt(standing.Model, chat).TryGet(out var prompts, out var refusal))
        {
            return refusal.Fault == Fault.Theirs
                ? OpenAiError.InvalidRequest(refusal.Message, code: refusal.Code)
                : OpenAiError.Unavailable(refusal.Message, refusal.Code);
        }

        var offer = standing.Signed.Message;
        var priced = new Priced(offer, standing.Hash, standing.Model, chat, prompts);
        if (chat.Embedding is null && prompts is { Length: 1 } && prompts[0].Length >= offer.Context)
        {
            return OpenAiError.InvalidRequest(
                $"The prompt has {prompts[0].Length} tokens and the model's context is {offer.Context}.", "messages",
                "context_length_exceeded");
        }

        return priced.Price(bodyBytes) is { } price
            ? new PlainRequest(priced, text, price)
            : OpenAiError.InvalidRequest("The request could cost more than any number holds.", "max_tokens");
    }

    private static bool IsNamed(Offer offer, string model) =>
        model == offer.PublicName
        || model == offer.ModelDigest.ToString()
        || model == $"{offer.Provider}/{offer.ModelDigest}";
}
