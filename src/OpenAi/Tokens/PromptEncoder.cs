using System.Text.RegularExpressions;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.OpenAi.Templates;

namespace Souk.OpenAi.Tokens;

/// <summary>
/// From a chat request to the prompt's ids. Provider and gateway both count with this one path, so an honest pair
/// cannot disagree. Safe for concurrent use.
/// </summary>
public sealed class PromptEncoder(Tokenizer tokenizer, ChatTemplate template)
{
    public Tokenizer Tokenizer { get; } = tokenizer;

    public ChatTemplate Template { get; } = template;

    /// <summary>
    /// The rendered prompt. Fails with a 400 error when the template refuses the messages or a bound is exceeded, or
    /// when the request holds images, which text tokenizers cannot count.
    /// </summary>
    public ParseResult<string> Render(ChatRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return Template.Render(request, Tokenizer.BosToken ?? "", Tokenizer.EosToken ?? "");
    }

    /// <summary>The ids of the rendered prompt; fails as <see cref="Render"/> does.</summary>
    public ParseResult<int[]> Encode(ChatRequest request)
    {
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
}
