using System.Text;
using System.Text.Json.Nodes;

namespace Souk.OpenAi.Tests.Tokens;

/// <summary>GPT-2's published vocabulary and merges, put into the shape of a tokenizer.json.</summary>
internal static class Gpt2
{
    internal static byte[] TokenizerJson()
    {
        var merges = Encoding.UTF8.GetString(TestFiles.Read("vectors", "tokenizers", "gpt2.vocab.bpe.gz"))
            .Split('\n')
            .Skip(1)
            .Where(line => line.Length > 0)
            .Select(line => (JsonNode?)line);
        var root = new JsonObject
        {
            ["added_tokens"] = new JsonArray(new JsonObject
            {
                ["id"] = 50256,
                ["content"] = "<|endoftext|>",
                ["special"] = true,
                ["normalized"] = true,
            }),
            ["normalizer"] = null,
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false },
            ["post_processor"] = null,
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject
            {
                ["vocab"] = JsonNode.Parse(TestFiles.Read("vectors", "tokenizers", "gpt2.encoder.json.gz")),
                ["merges"] = new JsonArray([.. merges]),
            },
        };
        return Encoding.UTF8.GetBytes(root.ToJsonString());
    }
}
