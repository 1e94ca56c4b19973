using Souk.Gateway.Chat;
using Souk.OpenAi.Chat;

namespace Souk.Gateway.Tests.Chat;

public sealed class CallCheckTests
{
    private const string Decoded =
        "See <tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"é\\/\", \"b\": [1.0, true]}}</tool_call>"
        + "<tool_call>{\"arguments\":{},\"name\":\"g\"}</tool_call>";

    [Theory]
    [InlineData("f", "{\"a\": \"é\\/\", \"b\": [1.0, true]}", true)]
    [InlineData("f", "{\"a\":\"\\u00e9/\",\"b\":[1,true]}", true)]
    [InlineData("f", "{\"a\":\"é/\",\"b\":[1.0,tr", true)]
    [InlineData("f", "{\"a\":\"\\u00e9", true)]
    [InlineData("f", "{", true)]
    [InlineData("f", "", true)]
    [InlineData("f", "{\"a\":\"e/\",\"b\":[1,true]}", false)]
    [InlineData("f", "{\"a\":\"é/\",\"b\":[2,true]}", false)]
    [InlineData("f", "{\"a\":\"é/\",\"b\":[1,true],\"c\":1}", false)]
    [InlineData("f", "{\"a\":\"é/\"}", false)]
    [InlineData("f", "{\"x", false)]
    [InlineData("h", "{\"a\": \"é\\/\", \"b\": [1.0, true]}", false)]
    public void Arguments_are_what_the_ids_say_apart_from_their_form(string name, string arguments, bool isThere) =>
        Assert.Equal(isThere, CallCheck.AreIn(Decoded, 4, [new ToolCall("i", name, arguments)]));

    [Fact]
    public void Calls_come_in_the_order_of_the_text()
    {
        var first = new ToolCall("1", "f", "{\"a\":\"é/\",\"b\":[1.0,true]}");
        var second = new ToolCall("2", "g", "{}");
        Assert.True(CallCheck.AreIn(Decoded, 4, [first, second]));
        Assert.False(CallCheck.AreIn(Decoded, 4, [second, first]));
        Assert.False(CallCheck.AreIn(Decoded, Decoded.Length, [first]));
    }

    [Fact]
    public void Text_that_begins_like_the_arguments_everywhere_costs_a_bounded_search()
    {
        var call = new ToolCall("1", "f", "{\"a\":" + new string('[', 5_000));
        var decoded = "\"f\"" + string.Concat(Enumerable.Repeat("{\"a\":" + new string('[', 4_000), 500));
        Assert.False(CallCheck.AreIn(decoded, 0, [call]));
    }
}
