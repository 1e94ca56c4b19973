using System.Text.Json;

namespace Souk.OpenAi.Chat;

/// <summary>Reads what completions and embeddings take: a text, an array of texts, an array of token ids, or an array
/// of such arrays.</summary>
internal static class RawPromptReader
{
    private const string Expected = "a string, an array of strings, an array of token ids or an array of such arrays";

    /// <summary>All prompts in their order; none where something is wrong, which the fields then tell.</summary>
    internal static List<RawPrompt> Read(
        FieldReader fields, string name, JsonElement value, int most, ChatLimits limits)
    {
        if (value.ValueKind == JsonValueKind.String)
        {
            return Text(fields, name, value, limits) is { } text ? [text] : [];
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            fields.FailType(name, Expected, value.ValueKind);
            return [];
        }

        var count = value.GetArrayLength();
        if (count == 0)
        {
            fields.FailValue(name, "it must not be empty.", "empty_array");
            return [];
        }

        if (value[0].ValueKind == JsonValueKind.Number)
        {
            return Ids(fields, name, value) is { } ids ? [ids] : [];
        }

        if (count > most)
        {
            fields.FailValue(
                name, $"array too long. Expected an array with maximum length {most}, but got an array with length "
                + $"{count} instead.", "array_above_max_length");
            return [];
        }

        List<RawPrompt> prompts = [];
        foreach (var element in value.EnumerateArray())
        {
            var path = $"{name}[{prompts.Count}]";
            var prompt = element.ValueKind switch
            {
                JsonValueKind.String => Text(fields, path, element, limits),
                JsonValueKind.Array => Ids(fields, path, element),
                _ => Wrong(fields, path, element),
            };
            if (prompt is null)
            {
                return [];
            }

            prompts.Add(prompt);
        }

        return prompts;
    }

    private static RawPrompt? Wrong(FieldReader fields, string path, JsonElement element)
    {
        fields.FailType(path, "a string or an array of token ids", element.ValueKind);
        return null;
    }

    private static RawPrompt? Text(FieldReader fields, string path, JsonElement value, ChatLimits limits) =>
        fields.Bounded(value, path, limits.MaxTextLength) is { } text ? new RawPrompt(text) : null;

    private static RawPrompt? Ids(FieldReader fields, string path, JsonElement value)
    {
        var ids = new int[value.GetArrayLength()];
        var count = 0;
        foreach (var element in value.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt32(out var id) || id < 0)
            {
                fields.FailValue($"{path}[{count}]", "a token id is a whole number from 0.", "invalid_type");
                return null;
            }

            ids[count++] = id;
        }

        if (count > 0)
        {
            return new RawPrompt(ids);
        }

        fields.FailValue(path, "it must not be empty.", "empty_array");
        return null;
    }
}
