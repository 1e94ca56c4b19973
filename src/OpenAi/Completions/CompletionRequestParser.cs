using System.Text.Json;
using Souk.OpenAi.Chat;

namespace Souk.OpenAi.Completions;

/// <summary>Checks the fields that completions have and chats have not; see <see cref="CompletionRequest"/>.</summary>
internal static class CompletionRequestParser
{
    private const int UsualMaxTokens = 16;
    private const int MostLogprobs = 5;

    internal static CompletionRequest Read(FieldReader fields, JsonElement root, ChatLimits limits)
    {
        var model = ChatRequestParser.Model(fields, limits);
        var prompt = Prompt(fields, limits);
        var sampled = ChatRequestParser.Sampled(fields, root, limits);
        var echo = fields.Flag("echo") ?? false;
        var logprobs = (int?)fields.Integer("logprobs", 0, MostLogprobs);
        Refuse(fields, sampled.Choices);
        if (echo && logprobs is null && prompt.Ids is not null)
        {
            fields.FailValue("echo", "a prompt of token ids is echoed together with 'logprobs' only; send it as text.");
        }

        var chat = sampled with
        {
            Model = model,
            Prompt = prompt,
            MaxTokens = sampled.MaxTokens ?? Math.Max(UsualMaxTokens, sampled.MinTokens ?? 0),
            Logprobs = logprobs is not null,
            TopLogprobs = logprobs,
            PromptLogprobs = echo && logprobs is not null,
        };
        return new CompletionRequest(chat, echo);
    }

    private static void Refuse(FieldReader fields, int choices)
    {
        if (fields.Any("suffix") is { } suffix
            && !(suffix.ValueKind == JsonValueKind.String && suffix.ValueEquals(""u8)))
        {
            fields.FailValue("suffix", "text cannot be inserted before a suffix here.", "unsupported_parameter");
        }

        if (fields.Integer("best_of", 1, int.MaxValue) is { } best && best != choices)
        {
            fields.FailValue("best_of", $"only as many as 'n' are served, {choices} here.", "unsupported_value");
        }
    }

    private static RawPrompt Prompt(FieldReader fields, ChatLimits limits)
    {
        if (fields.Any("prompt") is not { } prompt)
        {
            fields.FailMissing("prompt");
            return new RawPrompt("");
        }

        var prompts = RawPromptReader.Read(fields, "prompt", prompt, 1, limits);
        return prompts is [var only] ? only : new RawPrompt("");
    }
}
