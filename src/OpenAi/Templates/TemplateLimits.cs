namespace Souk.OpenAi.Templates;

/// <summary>How much a template, which comes with a stranger's model, may cost.</summary>
public sealed record TemplateLimits
{
    public static TemplateLimits Default { get; } = new();

    /// <summary>UTF-16 units of the template's source. Default 256 Ki.</summary>
    public int MaxSourceLength { get; init; } = 256 * 1024;

    /// <summary>Nesting of statements and expressions. Default 64.</summary>
    public int MaxDepth { get; init; } = 64;

    /// <summary>Evaluated statements and expressions in one rendering. Default 2,000,000.</summary>
    public int MaxSteps { get; init; } = 2_000_000;

    /// <summary>UTF-16 units of text produced in one rendering, intermediate strings included. Default 64 Mi.</summary>
    public int MaxOutput { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// The time that <c>strftime_now</c> shows. Null refuses templates that ask for it, since provider and gateway
    /// would count different prompts at midnight.
    /// </summary>
    public DateTimeOffset? Now { get; init; }
}
