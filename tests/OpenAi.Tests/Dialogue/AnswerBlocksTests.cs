using CsCheck;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Dialogue;

namespace Souk.OpenAi.Tests.Dialogue;

public sealed class AnswerBlocksTests
{
    [Fact]
    public void Blocks_follow_each_other()
    {
        var log = Play(
            Parts.Thought("h"), Parts.Thought("m"), Parts.Text("a"), Parts.Text(""), Parts.Text("b"),
            Parts.Call(0, "x", "f", ""), Parts.Call(0, null, null, "{\"a\":"), Parts.Call(0, null, null, "1}"),
            Parts.Call(1, "y", "g", "{}"), Parts.End("tool_calls"));

        Assert.Equal(
            "<0 Reasoning|h|m>|<1 Text|a|b>|<2 Call x f|{\"a\":|1}>|<3 Call y g|{}>", string.Join('|', log.Lines));
        Assert.Equal("tool_calls", log.Blocks.FinishReason);
    }

    [Fact]
    public void Pieces_of_parallel_calls_that_come_mixed_are_put_in_order()
    {
        var log = Play(
            Parts.Call(0, "x", "f", "{\"a\":"), Parts.Call(1, "y", "g", "{\"b\":\"}"), Parts.Call(0, null, null, "[1]"),
            Parts.Text("late"), Parts.Call(1, null, null, "\"}"), Parts.Call(0, null, null, "}"),
            Parts.Call(1, null, null, " "));

        Assert.Equal(
            "<0 Call x f|{\"a\":|[1]|}>|<1 Call y g|{\"b\":\"}\"}>|<2 Text|late>", string.Join('|', log.Lines));
    }

    [Fact]
    public void Calls_without_arguments_or_an_end_are_told_when_nothing_follows()
    {
        var log = Play(
            Parts.Call(0, "x", "f", null), Parts.Call(1, "y", "g", "{\"a\":"), Parts.Text("t"));

        Assert.Equal("<0 Call x f>|<1 Call y g|{\"a\":>|<2 Text|t>", string.Join('|', log.Lines));
    }

    [Fact]
    public void Every_call_gets_an_id_of_its_own()
    {
        var log = Play(
            Parts.Call(0, null, "f", "{}"), Parts.Call(1, "x", "g", "{}"), Parts.Call(2, "x", "h", "{}"));

        Assert.Equal(["call_0", "x", "call_2"], log.Blocks.All.Select(block => block.CallId));
    }

    [Fact]
    public void Deltas_without_an_index_belong_to_the_call_that_was_begun_last()
    {
        var log = Play(
            Parts.Call(null, "x", "f", ""), Parts.Call(null, null, null, "{}"), Parts.Call(null, "y", "g", "{}"));

        Assert.Equal("<0 Call x f|{}>|<1 Call y g|{}>", string.Join('|', log.Lines));
    }

    [Theory]
    [InlineData("{}", true)]
    [InlineData("""{"a":"}"}""", true)]
    [InlineData("""{"a":"\"}"}""", true)]
    [InlineData("""{"a":"\\"}""", true)]
    [InlineData("""{"a":"\\\"}""", false)]
    [InlineData("""{"a":[{}]""", false)]
    [InlineData("""{"a":"}""", false)]
    [InlineData("", false)]
    public void The_end_of_arguments_is_found_however_they_are_cut(string arguments, bool isComplete)
    {
        var (whole, single) = (default(CallExtent), default(CallExtent));
        whole.Take(arguments);
        foreach (var character in arguments)
        {
            single.Take(character.ToString());
        }

        Assert.Equal((isComplete, isComplete), (whole.IsComplete, single.IsComplete));
    }

    [Fact]
    public void Nothing_is_lost_or_out_of_order_in_any_mix()
    {
        string[] pieces = ["{", "}", "\"", "\\", "x", "", "{}"];
        var part = Gen.OneOf(
            Gen.String[0, 3].Select(Parts.Text), Gen.String[0, 3].Select(Parts.Thought),
            Gen.Select(Gen.Int[0, 3], Gen.Int[0, pieces.Length - 1])
                .Select((index, piece) => Parts.Call(index, null, null, pieces[piece])));
        part.Array[0, 30].Sample(parts =>
        {
            var log = Play(parts);
            foreach (var kind in new[] { BlockKind.Text, BlockKind.Reasoning })
            {
                Assert.Equal(
                    string.Concat(parts.Select(each => kind == BlockKind.Text ? each.Content : each.Reasoning)),
                    string.Concat(log.Blocks.All.Where(block => block.Kind == kind).Select(block => block.Text)));
            }

            var calls = parts.SelectMany(each => ToolCallDelta.Read(each.ToolCalls)).GroupBy(delta => delta.Index);
            Assert.Equal(
                calls.Select(call => string.Concat(call.Select(delta => delta.Arguments))).Order(),
                log.Blocks.All.Where(block => block.Kind == BlockKind.Call).Select(block => block.Text.ToString())
                    .Order());
        });
    }

    private static Log Play(params ChunkChoice[] parts)
    {
        var log = new Log();
        foreach (var part in parts)
        {
            log.Blocks.Take(part, log);
        }

        log.Blocks.Finish(log);
        return log;
    }

    /// <summary>Writes down what it is told, and checks the order of it.</summary>
    private sealed class Log : IBlockWriter
    {
        private AnswerBlock? _open;

        public AnswerBlocks Blocks { get; } = new("call", withLogprobs: false);

        public List<string> Lines { get; } = [];

        public void Open(AnswerBlock block)
        {
            Assert.Null(_open);
            Assert.Equal(Lines.Count, block.Index);
            _open = block;
            Lines.Add(string.Join(' ', new[] { $"<{block.Index} {block.Kind}", block.CallId, block.Name }
                .Where(word => word.Length > 0)));
        }

        public void Grow(AnswerBlock block, string piece, IReadOnlyList<byte[]> logprobs)
        {
            Assert.Same(_open, block);
            Assert.NotEmpty(piece);
            Lines[^1] += "|" + piece;
        }

        public void Close(AnswerBlock block)
        {
            Assert.Same(_open, block);
            _open = null;
            Lines[^1] += ">";
        }
    }
}
