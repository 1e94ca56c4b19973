using System.Text.RegularExpressions;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Embeddings;
using Souk.OpenAi.Errors;
using Souk.OpenAi.Templates;

namespace Souk.OpenAi.Tokens;

/// <summary>
/// From a request to the prompt's ids. Provider and gateway both count with this one path, so an honest pair cannot
/// disagree. Safe for concurrent use.
/// </summary>
public sealed class PromptEncoder(Tokenizer tokenizer, ChatTemplate? template)
{
    public Tokenizer Tokenizer { get; } = tokenizer;

    /// <summary>Null where the model has none: it takes raw prompts and no conversations.</summary>
    public ChatTemplate? Template { get; } = template;

    /// <summary>
    /// The rendered prompt. Fails with a 400 error when the template refuses the messages or a bound is exceeded, or
    /// when the request holds images, which text tokenizers cannot count.
    /// </summary>
    public ParseResult<string> Render(ChatRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return Template is null
            ? OpenAiError.InvalidRequest(
                "This model has no chat template, so it takes no messages; send a prompt to /v1/completions.",
                "messages", "model_not_supported")
            : Template.Render(request, Tokenizer.BosToken ?? "", Tokenizer.EosToken ?? "");
    }

    /// <summary>
    /// The ids of the rendered prompt, or of the raw one; fails as <see cref="Render"/> does, and where an id is none
    /// of the model's.
    /// </summary>
    public ParseResult<int[]> Encode(ChatRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Prompt is { } prompt)
        {
            return Encode(prompt, "prompt");
        }

        var rendered = Render(request);
        if (!rendered.IsOk)
        {
            return rendered.Error;
        }

        try
        {
            return Tokenizer.Encode(rendered.Value, parseSpecial: true);
        }
        catch (RegexMatchTimeoutException)
        {
            return OpenAiError.InvalidRequest(
                "The model's tokenizer takes too long on these messages.", "messages", "prompt_too_complex");
        }
    }

    /// <summary>All that a model reads for a request: one list of ids, or one for each input to embed.</summary>
    public ParseResult<int[][]> EncodeAll(ChatRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Embedding is { } embedding)
        {
            return EncodeInputs(embedding);
        }

        var ids = Encode(request);
        return ids.IsOk ? new int[][] { ids.Value } : ids.Error;
    }

    /// <summary>The ids of each input, in their order; fails as <see cref="Encode(ChatRequest)"/> does.</summary>
    public ParseResult<int[][]> EncodeInputs(EmbeddingInputs embedding)
    {
        ArgumentNullException.ThrowIfNull(embedding);
        var all = new int[embedding.Inputs.Count][];
        for (var i = 0; i < all.Length; i++)
        {
            var ids = Encode(embedding.Inputs[i], all.Length == 1 ? "input" : $"input[{i}]");
            if (!ids.IsOk)
            {
                return ids.Error;
            }

            all[i] = ids.Value;
        }

        return all;
    }

    private ParseResult<int[]> Encode(RawPrompt prompt, string field)
    {
        if (prompt.Ids is { } ids)
        {
            return ids.All(id => id >= 0 && id < Tokenizer.VocabularySize)
                ? ids.ToArray()
                : OpenAiError.InvalidRequest(
                    $"Invalid '{field}': this model's token ids go from 0 to {Tokenizer.VocabularySize - 1}.", field,
                    "invalid_value");
        }

        try
        {
            return Tokenizer.EncodeFramed(prompt.Text!);
        }
        catch (RegexMatchTimeoutException)
        {
            return OpenAiError.InvalidRequest(
                "The model's tokenizer takes too long on this text.", field, "prompt_too_complex");
        }
    }
}
