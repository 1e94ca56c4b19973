using System.Text;
using System.Text.Json.Nodes;

namespace Souk.OpenAi.Tests.Tokens;

/// <summary>The tokenizer files of vectors/tokenizers/kinds.json, put together as its head says.</summary>
internal static class Kinds
{
    private static readonly JsonObject _kinds =
        JsonNode.Parse(TestFiles.Read("vectors", "tokenizers", "kinds.json"))!.AsObject();

    internal static IReadOnlyList<string> Names { get; } = [.. _kinds.Select(kind => kind.Key)];

    internal static byte[] File(string name) => Encoding.UTF8.GetBytes(Whole(name).ToJsonString());

    internal static JsonObject Whole(string name)
    {
        var stated = _kinds[name]?.AsObject()
            ?? JsonNode.Parse(TestFiles.Read("vectors", "tokenizers", name + ".json"))!.AsObject();
        if ((string?)stated["base"] is not { } parent)
        {
            return (JsonObject)stated.DeepClone();
        }

        var whole = Whole(parent);
        foreach (var (section, value) in stated.Where(part => part.Key != "base"))
        {
            if (section != "model")
            {
                whole[section] = value?.DeepClone();
                continue;
            }

            foreach (var (member, change) in value!.AsObject())
            {
                whole[section]![member] = change?.DeepClone();
            }
        }

        return whole;
    }
}
