using System.Text;
using System.Text.Json;
using Souk.Engines.Tools;

namespace Souk.Engines.Tests.Tools;

public sealed class CallReaderTests
{
    private const string TwoCalls =
        "Let me see.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": "
        + "{\"city\": \"Łódź {\\\"]\", \"days\": [1, 2]}}\n</tool_call>\n"
        + "<tool_call>{\"name\":\"now\",\"arguments\":{}}</tool_call>";

    private static readonly (string Name, string Arguments)[] Expected =
    [
        ("get_weather", "{\"city\": \"Łódź {\\\"]\", \"days\": [1, 2]}"), ("now", "{}"),
    ];

    [Fact]
    public void Calls_between_tags_are_told_from_the_text_however_it_is_cut()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var (content, calls) = Read(ToolConvention.Tagged, Cut(TwoCalls, new Random(seed)));
            Assert.Equal("Let me see.\n", content);
            Assert.Equal(Expected, calls);
        }
    }

    [Fact]
    public void A_list_of_calls_opens_at_a_special_token()
    {
        string list = "[{\"name\": \"get_weather\", \"arguments\": " + Expected[0].Arguments
            + "}, {\"name\": \"now\", \"arguments\": {}}]";
        for (int seed = 0; seed < 50; seed++)
        {
            // The text before the token may still be withheld when the token comes.
            var (content, calls) = Read(ToolConvention.Listed, Cut("[well]" + list, new Random(seed)), openAt: 6);
            Assert.Equal("[well]", content);
            Assert.Equal(Expected, calls);
        }

        Assert.Equal(Expected, Read(ToolConvention.Listed, Cut("[TOOL_CALLS]" + list, new Random(1))).Calls);
    }

    [Fact]
    public void An_answer_that_starts_with_an_object_is_a_call()
    {
        string call = "{\"name\": \"get_weather\", \"parameters\": " + Expected[0].Arguments + "}";
        for (int seed = 0; seed < 50; seed++)
        {
            var (content, calls) = Read(ToolConvention.Bare, Cut(call, new Random(seed)));
            Assert.Equal("", content);
            Assert.Equal([Expected[0]], calls);
            const string text = " a {\"name\": 1}";
            Assert.Equal(text, Read(ToolConvention.Bare, Cut(text, new Random(seed))).Content);
        }
    }

    [Fact]
    public void Text_that_only_looks_like_an_opening_is_text()
    {
        var (content, calls) = Read(ToolConvention.Tagged, Cut("1 <tool_ca <tool_cal", new Random(3)));
        Assert.Equal("1 <tool_ca <tool_cal", content);
        Assert.Empty(calls);
    }

    private static IEnumerable<string> Cut(string text, Random random)
    {
        for (int at = 0; at < text.Length;)
        {
            int length = Math.Min(random.Next(1, 9), text.Length - at);
            yield return text.Substring(at, length);
            at += length;
        }
    }

    private static (string Content, List<(string Name, string Arguments)> Calls) Read(
        ToolConvention convention, IEnumerable<string> pieces, int? openAt = null)
    {
        var reader = new CallReader(convention, call => "call" + call);
        var content = new StringBuilder();
        List<(string Id, string Name, StringBuilder Arguments)> calls = [];
        if (openAt is { } position)
        {
            reader.Open(position);
        }

        foreach (string piece in pieces.Append(""))
        {
            var (text, deltas) = reader.Push(piece, isLast: piece.Length == 0);
            content.Append(text);
            if (deltas.IsEmpty)
            {
                continue;
            }

            using var json = JsonDocument.Parse(deltas);
            foreach (var delta in json.RootElement.EnumerateArray())
            {
                int index = delta.GetProperty("index").GetInt32();
                var function = delta.GetProperty("function");
                if (delta.TryGetProperty("id", out var id))
                {
                    Assert.Equal((calls.Count, "function"), (index, delta.GetProperty("type").GetString()));
                    calls.Add((id.GetString()!, function.GetProperty("name").GetString()!, new StringBuilder()));
                }

                calls[index].Arguments.Append(function.GetProperty("arguments").GetString());
            }
        }

        Assert.Equal(calls.Count > 0, reader.HasCalls);
        return (content.ToString(), [.. calls.Select(call => (call.Name, call.Arguments.ToString()))]);
    }
}
