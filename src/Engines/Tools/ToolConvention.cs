using Souk.OpenAi.Tokens;

namespace Souk.Engines.Tools;

/// <summary>How a model writes calls of functions in its answer, which only its chat template says. Known are those
/// that write each call as a JSON object with a name.</summary>
/// <param name="Opening">What comes before a call, or before the list of calls; "" where an answer that starts with
/// an object is a call.</param>
/// <param name="Closing">What comes behind it, or "".</param>
/// <param name="ArgumentsKey">The member that holds the arguments.</param>
/// <param name="IsList">Whether the calls are one JSON array.</param>
/// <param name="MostCalls">Calls in one answer.</param>
public sealed record ToolConvention(
    string Opening, string Closing, string ArgumentsKey, bool IsList, int MostCalls)
{
    private const int Many = 128;

    /// <summary>Hermes and Qwen: each call between tags.</summary>
    public static ToolConvention Tagged { get; } =
        new("<tool_call>", "</tool_call>", "arguments", IsList: false, Many);

    /// <summary>Mistral: a list of calls behind a mark.</summary>
    public static ToolConvention Listed { get; } = new("[TOOL_CALLS]", "", "arguments", IsList: true, Many);

    /// <summary>Llama 3: the whole answer is one call.</summary>
    public static ToolConvention Bare { get; } = new("", "", "parameters", IsList: false, 1);

    /// <summary>The convention of a model's template, or null where it knows no tools, or writes calls in another way.
    /// </summary>
    public static ToolConvention? Of(PromptEncoder encoder)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        if (encoder.Template?.Source is not { } source || !Has("tools"))
        {
            return null;
        }

        if (Has(Tagged.Opening))
        {
            // Others write XML between the same tags.
            return Has("\"arguments\"") || Has("\\\"arguments\\\"")
                ? Has("<function=") || Has("<arg_key>") ? null : Tagged : null;
        }

        if (Has(Listed.Opening))
        {
            // Newer ones write a name and a mark before each object.
            return Has("[ARGS]") || !Has("\"arguments\"") ? null : Listed;
        }

        bool isBare = Has("\"parameters\": ") && Has("\"name\": ") && (Has("ipython") || Has("<|python_tag|>"));
        return isBare ? Bare : null;

        bool Has(string part) => source.Contains(part, StringComparison.Ordinal);
    }
}
