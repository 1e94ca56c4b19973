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
    private readonly Statement _body;
    private readonly TemplateLimits _limits;
    private readonly TemplateTraits _traits;

    private ChatTemplate(string source, TemplateLimits limits)
    {
        _limits = limits;
        Source = source;
        _body = StatementParser.Parse(source, limits);
        _traits = TemplateTraits.Of(source);
    }

    /// <summary>The template's own text.</summary>
    public string Source { get; }

    public static LoadResult<ChatTemplate> Compile(string jinja, TemplateLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(jinja);
        limits ??= TemplateLimits.Default;
        if (jinja.Length > limits.MaxSourceLength)
        {
            return new ConstructRefused("length", 0, $"A chat template of {jinja.Length} characters is not taken.");
        }

        try
        {
            return new ChatTemplate(jinja, limits);
        }
        catch (TemplateRefusal refusal)
        {
            return refusal.Refused;
        }
    }

    /// <summary>Renders messages with a generation prompt, and the request's tools and template variables.</summary>
    public ParseResult<string> Render(ChatRequest request, string bos, string eos)
    {
        ArgumentNullException.ThrowIfNull(request);
        return Render(request.Messages, true, bos, eos, request.Tools, request.TemplateVariables);
    }

    /// <summary>
    /// Renders messages. Fails with a 400 error when the template raises an exception, a value does not fit, a bound is
    /// exceeded, or a message holds an image.
    /// </summary>
    public ParseResult<string> Render(
        IReadOnlyList<ChatMessage> messages,
        bool addGenerationPrompt,
        string bos,
        string eos,
        JsonElement? tools = null,
        JsonElement? variables = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        if (messages.Any(message => message.HasImage))
        {
            return OpenAiError.InvalidRequest("This model takes no images.", "messages", "image_not_supported");
        }

        var scope = new Scope(null);
        Functions.AddTo(scope, _limits);
        if (variables is { ValueKind: JsonValueKind.Object } given)
        {
            foreach (var entry in given.EnumerateObject())
            {
                // A function's name stays the function's, as a template may be called with anything.
                if (!Functions.IsKnown(entry.Name))
                {
                    scope.Set(entry.Name, ValueJson.From(entry.Value));
                }
            }
        }

        scope.Set("messages", MessageValues.Of(messages, _traits));
        scope.Set("add_generation_prompt", addGenerationPrompt);
        scope.Set("bos_token", bos);
        scope.Set("eos_token", eos);
        scope.Set("tools", tools is { } offered ? ValueJson.From(offered) : null);
        scope.Set("documents", null);
        var state = new RenderState(_limits);
        try
        {
            _body.Run(state, new Scope(scope));
            return state.Output.ToString();
        }
        catch (RenderFailure failure)
        {
            return OpenAiError.InvalidRequest(failure.Message, "messages", failure.Code);
        }
    }
}
