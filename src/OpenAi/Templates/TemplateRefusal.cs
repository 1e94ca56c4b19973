using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Templates;

#pragma warning disable CA1032, CA1064 // Both are internal and never leave ChatTemplate.

/// <summary>Carries a refusal out of the compiler.</summary>
internal sealed class TemplateRefusal(string construct, int line) : Exception
{
    internal ConstructRefused Refused { get; } = new(
        construct, line, $"This chat template cannot be used: {construct} in line {line} is not supported.");
}

/// <summary>Carries a failed rendering out of the evaluation: the template raised, or a value did not fit.</summary>
internal sealed class RenderFailure(string message, string code = "chat_template_failed") : Exception(message)
{
    internal string Code { get; } = code;
}

#pragma warning restore CA1032, CA1064
