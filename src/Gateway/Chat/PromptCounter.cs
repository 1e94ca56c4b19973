using Souk.Gateway.Tokens;
using Souk.Market.Offers;
using Souk.Market.Pricing;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Embeddings;
using Souk.OpenAi.Tokens;
using Souk.Protocol;

namespace Souk.Gateway.Chat;

/// <summary>A prompt, or the inputs to embed, with their ids where they are counted here.</summary>
internal sealed record CountedPrompt(PromptEncoder? Encoder, int[][]? Inputs, ulong Tokens, Refusal? Unfit)
{
    /// <summary>Whether each input fits what the model reads at once.</summary>
    public Refusal? CheckInputs(ChatRequest chat, Offer offer)
    {
        var longest = chat.Embedding is null ? 0 : Inputs?.Max(ids => ids.Length) ?? 0;
        return longest > offer.Context
            ? new Refusal(
                Fault.Theirs, "context_length_exceeded",
                $"An input has {longest} tokens and the model reads {offer.Context} at once. Shorten or split it.")
            : null;
    }
}

/// <summary>Counts prompts with the tokenizer of an offer, or bounds them where only the provider counts.</summary>
internal sealed class PromptCounter(EncoderShelf encoders)
{
    /// <summary>Counts a prompt for offers that count in the same way.</summary>
    public async Task<Result<CountedPrompt>> CountAsync(
        ChatRequest chat, List<ListedOffer> live, CancellationToken cancellation)
    {
        if (live.TrueForAll(listed => listed.Offer.Counting == CountingKinds.Usage))
        {
            // The body that will be sent, with the longest limit that it can carry: what is reserved is never too
            // little.
            var body = chat.ToProviderBody(live[0].Offer.ModelDigest.ToString(), int.MaxValue);
            return new CountedPrompt(null, null, UncountedWork.MostInput(body.Length), null);
        }

        Refusal? last = null;
        foreach (var listed in live.Where(listed => listed.Offer.Counting == CountingKinds.Ids))
        {
            if (!(await encoders.GetAsync(listed.Offer, cancellation)).TryGet(out var encoder, out last))
            {
                continue;
            }

            return Counted(encoder, chat);
        }

        return last!;
    }

    private static CountedPrompt Counted(PromptEncoder encoder, ChatRequest chat)
    {
        var encoded = encoder.EncodeAll(chat);
        if (!encoded.IsOk)
        {
            // As a provider would put it: the fault is on this side, so the app is told.
            var (code, message) = (encoded.Error.Code ?? "invalid_prompt", encoded.Error.Message);
            return new CountedPrompt(encoder, null, 0, new Refusal(Fault.Ours, code, message));
        }

        var tokens = encoded.Value.Aggregate(0UL, (sum, ids) => sum + (ulong)ids.Length);
        if (chat.Embedding is not null && tokens > EmbeddingInputs.MostTokens)
        {
            return new CountedPrompt(encoder, null, 0, new Refusal(
                Fault.Ours, "max_tokens_per_request",
                $"The inputs have {tokens} tokens together, and one request takes {EmbeddingInputs.MostTokens}."));
        }

        var isEmpty = Array.Exists(encoded.Value, ids => ids.Length == 0);
        return new CountedPrompt(encoder, encoded.Value, tokens, isEmpty
            ? new Refusal(Fault.Ours, "invalid_prompt", "There is nothing to read: the text has no tokens.") : null);
    }
}
