using System.Text.Json;
using System.Text.Unicode;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi;

/// <summary>
/// One cheap pass over a body before a document is built: afterwards every string in it decodes, so no later read can
/// throw. .NET's own parser leaves ill-formed UTF-8 and lone surrogate escapes to the first read of each string.
/// </summary>
internal static class JsonGuard
{
    internal static OpenAiError? Check(ReadOnlySpan<byte> utf8, int maxDepth, int maxTokens)
    {
        if (!Utf8.IsValid(utf8))
        {
            return OpenAiError.InvalidRequest("The request body is not valid UTF-8.");
        }

        var reader = new Utf8JsonReader(utf8, JsonText.ReaderOptions(maxDepth));
        var count = 0;
        try
        {
            while (reader.Read())
            {
                if (++count > maxTokens)
                {
                    return OpenAiError.TooLarge($"The request has more than {maxTokens} JSON values.");
                }

                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
                {
                    _ = reader.GetString();
                }
            }
        }
        catch (JsonException exception)
        {
            return OpenAiError.InvalidRequest(
                "We could not parse the JSON body of your request at line "
                + $"{(exception.LineNumber ?? 0) + 1}, byte {exception.BytePositionInLine ?? 0}; it must be valid JSON "
                + $"nested at most {maxDepth} deep.");
        }
        catch (InvalidOperationException)
        {
            return OpenAiError.InvalidRequest("A string in the request escapes half of a surrogate pair.");
        }

        return null;
    }
}
