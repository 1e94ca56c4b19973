using System.Text.Json;

namespace Souk.OpenAi.Tokens;

/// <summary>Reads the parts of tokenizer.json around the model; throws <see cref="TokenizerRefusal"/>.</summary>
internal static class TokenizerReader
{
    /// <summary>Texts of the special tokens that the post-processor would put around a single text.</summary>
    internal static (List<string> Before, List<string> After) FrameTokens(JsonElement root)
    {
        var before = new List<string>();
        var after = new List<string>();
        if (Section(root, "post_processor") is not { } post)
        {
            return (before, after);
        }

        var parts = TypeOf(post) == "Sequence" ? post.GetProperty("processors").EnumerateArray().ToArray() : [post];
        foreach (var part in parts)
        {
            switch (TypeOf(part))
            {
                case "ByteLevel":
                    break;
                case "TemplateProcessing":
                    AddTemplate(part, before, after);
                    break;
                case "BertProcessing" or "RobertaProcessing":
                    before.Add(part.GetProperty("cls")[0].GetString()!);
                    after.Add(part.GetProperty("sep")[0].GetString()!);
                    break;
                case var kind:
                    throw new TokenizerRefusal($"post_processor {kind}", "this kind of template");
            }
        }

        return (before, after);
    }

    internal static JsonElement? Section(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    internal static bool Flag(JsonElement element, string name, bool whenAbsent) =>
        Section(element, name) is { } value ? value.GetBoolean() : whenAbsent;

    internal static string TypeOf(JsonElement element) =>
        Section(element, "type") is { } type ? type.GetString()! : "without a type";

    private static void AddTemplate(JsonElement template, List<string> before, List<string> after)
    {
        var isAfter = false;
        foreach (var piece in template.GetProperty("single").EnumerateArray())
        {
            if (piece.TryGetProperty("SpecialToken", out var special))
            {
                (isAfter ? after : before).Add(special.GetProperty("id").GetString()!);
            }
            else
            {
                isAfter = true;
            }
        }
    }
}
