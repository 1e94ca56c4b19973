using System.Globalization;
using System.Text.Json;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Chat;

/// <summary>
/// Reads typed fields of a JSON object and keeps the first error, worded and coded as OpenAI does. A null counts as
/// absent, as it does there.
/// </summary>
internal sealed class FieldReader(JsonElement root, string path, FieldReader? parent = null)
{
    private OpenAiError? _error;

    internal OpenAiError? Error => parent is null ? _error : parent.Error;

    internal string PathOf(string name) => path.Length == 0 ? name : path + "." + name;

    internal FieldReader Inner(JsonElement element, string innerPath) => new(element, innerPath, parent ?? this);

    internal void Fail(OpenAiError error)
    {
        if (parent is not null)
        {
            parent.Fail(error);
        }
        else
        {
            _error ??= error;
        }
    }

    internal void FailMissing(string name) => Fail(OpenAiError.InvalidRequest(
        $"Missing required parameter: '{PathOf(name)}'.", PathOf(name), "missing_required_parameter"));

    internal void FailType(string atPath, string expected, JsonValueKind found) => Fail(OpenAiError.InvalidRequest(
        $"Invalid type for '{atPath}': expected {expected}, but got {Named(found)} instead.", atPath, "invalid_type"));

    internal void FailValue(string atPath, string message, string code = "invalid_value") =>
        Fail(OpenAiError.InvalidRequest($"Invalid '{atPath}': {message}", atPath, code));

    /// <summary>The field, or null where it is absent or null.</summary>
    internal JsonElement? Any(string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind is not JsonValueKind.Null ? value : null;

    internal JsonElement? Of(string name, JsonValueKind kind, string expected)
    {
        if (Any(name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind == kind)
        {
            return value;
        }

        FailType(PathOf(name), expected, value.ValueKind);
        return null;
    }

    internal bool? Flag(string name)
    {
        if (Any(name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return value.GetBoolean();
        }

        FailType(PathOf(name), "a boolean", value.ValueKind);
        return null;
    }

    internal string? Text(string name, int maxLength)
    {
        if (Of(name, JsonValueKind.String, "a string") is not { } value)
        {
            return null;
        }

        return Bounded(value, PathOf(name), maxLength);
    }

    internal string? Bounded(JsonElement value, string atPath, int maxLength)
    {
        var text = value.GetString()!;
        if (text.Length <= maxLength)
        {
            return text;
        }

        FailValue(
            atPath,
            $"string too long. Expected a string with maximum length {maxLength}, but got {text.Length} instead.",
            "string_above_max_length");
        return null;
    }

    internal double? Decimal(string name, double least, double greatest)
    {
        if (Of(name, JsonValueKind.Number, "a decimal") is not { } value)
        {
            return null;
        }

        var number = value.GetDouble();
        if (number >= least && number <= greatest)
        {
            return number;
        }

        FailRange(name, "decimal", number < least, number < least ? least : greatest, value.GetRawText());
        return null;
    }

    internal long? Integer(string name, long least, long greatest)
    {
        if (Of(name, JsonValueKind.Number, "an integer") is not { } value)
        {
            return null;
        }

        if (!value.TryGetInt64(out var number))
        {
            // Some clients write every number as a float, so 16.0 is an integer as well.
            var wide = value.GetDouble();
            if (wide != Math.Floor(wide) || Math.Abs(wide) >= 1L << 53)
            {
                var isTooGreat = Math.Abs(wide) >= 1L << 53;
                if (isTooGreat)
                {
                    FailRange(name, "integer", wide < 0, wide < 0 ? least : greatest, value.GetRawText());
                }
                else
                {
                    FailType(PathOf(name), "an integer", JsonValueKind.Number);
                }

                return null;
            }

            number = (long)wide;
        }

        if (number >= least && number <= greatest)
        {
            return number;
        }

        FailRange(name, "integer", number < least, number < least ? least : greatest, value.GetRawText());
        return null;
    }

    private void FailRange(string name, string kind, bool isBelow, double bound, string found)
    {
        var side = isBelow ? "below minimum" : "above maximum";
        var sign = isBelow ? ">=" : "<=";
        var limit = bound.ToString("0.######", CultureInfo.InvariantCulture);
        var shown = found.Length <= 40 ? found : found[..40] + "…";
        FailValue(
            PathOf(name),
            $"{kind} {side} value. Expected a value {sign} {limit}, but got {shown} instead.",
            $"{kind}_{(isBelow ? "below_min" : "above_max")}_value");
    }

    private static string Named(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a decimal",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "null",
    };
}
