using System.Text.Json;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Templates;

/// <summary>
/// A model's chat template: a named subset of Jinja, compiled once. Anything outside the subset is refused at
/// compilation with its name and line. Rendering is bounded in steps and output. Safe for concurrent use.
/// </summary>
public sealed class ChatTemplate
{
    public static LoadResult<ChatTemplate> Compile(string jinja, TemplateLimits? limits = null) =>
        throw new NotImplementedException();

    /// <summary>Renders messages with a generation prompt, and the request's tools and template variables.</summary>
    public ParseResult<string> Render(ChatRequest request, string bos, string eos)
    {
        ArgumentNullException.ThrowIfNull(request);
        return Render(request.Messages, true, bos, eos, request.Tools, request.TemplateVariables);
    }

    /// <summary>
    /// Renders messages. Fails with a 400 error when the template raises an exception or a bound is exceeded.
    /// </summary>
    public ParseResult<string> Render(
        IReadOnlyList<ChatMessage> messages,
        bool addGenerationPrompt,
        string bos,
        string eos,
        JsonElement? tools = null,
        JsonElement? variables = null) => throw new NotImplementedException();
}
