using System.Text;
using System.Text.Json;

namespace Souk.Engines.Tests.Upstream;

/// <summary>How a server with a given set of abilities answers a small request: it obeys the fields of its abilities
/// and silently ignores all others, as real servers do.</summary>
internal sealed class CapableServer(params string[] lacking)
{
    private const string Text = "Rhine, Nile and Oder flow";

    /// <summary>The stream for a chat request's body.</summary>
    public string Chat(JsonElement body)
    {
        bool isObeyed(string feature, string field) =>
            !lacking.Contains(feature) && body.TryGetProperty(field, out _);
        string text = isObeyed("json_schema", "response_format") ? """{"souk":"yes"}""" : Plain(body);
        if (isObeyed("stop", "stop"))
        {
            string stop = body.GetProperty("stop")[0].GetString()!;
            int at = text.IndexOf(stop, StringComparison.Ordinal);
            text = at < 0 ? text : text[..at];
        }

        var answer = new StringBuilder();
        int choices = isObeyed("n", "n") ? body.GetProperty("n").GetInt32() : 1;
        for (int choice = 0; choice < choices; choice++)
        {
            object delta = isObeyed("tools", "tools")
                ? new { tool_calls = new[] { new { index = 0, id = "c", function = new { name = "look_up" } } } }
                : new { content = text };
            object? logprobs = isObeyed("logprobs", "logprobs") ? new { content = new[] { new { token = "R" } } }
                : null;
            bool isBarred = isObeyed("logit_bias", "logit_bias");
            Add(new
            {
                choices = new[]
                {
                    new
                    {
                        index = choice, delta, logprobs, finish_reason = "stop",
                        token_ids = new[] { isBarred ? 8 : 7 },
                    },
                },
            });
        }

        int seen = body.GetRawText().Contains("image_url", StringComparison.Ordinal) && !lacking.Contains("images") ? 90
            : 9;
        Add(new { choices = Array.Empty<object>(), usage = new { prompt_tokens = seen, completion_tokens = 5 } });
        return answer.Append("data: [DONE]\n\n").ToString();

        void Add(object chunk) => answer.Append("data: ").Append(JsonSerializer.Serialize(chunk)).Append("\n\n");
    }

    /// <summary>The reply to an echoing completion.</summary>
    public string Completion() => lacking.Contains("prompt_logprobs")
        ? """{"choices":[{"index":0,"text":" x","logprobs":null,"finish_reason":"length"}]}"""
        : """{"choices":[{"index":0,"text":"Name.. x","logprobs":{"token_logprobs":[null,-1.0,-2.0,-3.5]}}]}""";

    private string Plain(JsonElement body)
    {
        var last = body.GetProperty("messages").EnumerateArray().Last();
        if (last.GetProperty("role").GetString() == "assistant" && !lacking.Contains("continuation"))
        {
            return Text[last.GetProperty("content").GetString()!.Length..];
        }

        bool isRandom = body.TryGetProperty("temperature", out var given) && given.GetDouble() > 1;
        return isRandom && lacking.Contains("seed") ? Guid.NewGuid().ToString() : Text;
    }
}
