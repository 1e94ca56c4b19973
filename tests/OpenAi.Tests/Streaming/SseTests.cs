using System.Buffers;
using System.Text;
using CsCheck;
using Souk.OpenAi.Streaming;

namespace Souk.OpenAi.Tests.Streaming;

public sealed class SseTests
{
    private static readonly CancellationToken _token = TestContext.Current.CancellationToken;

    /// <summary>Streams after the examples and rules of the WHATWG HTML standard, section 9.2.6.</summary>
    public static TheoryData<string, string[]> Streams() => new()
    {
        { "data: This is the first message.\n\ndata: This is the second message, it\ndata: has two lines.\n\n",
            ["This is the first message.", "This is the second message, it\nhas two lines."] },
        { "event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n", ["add>73857293", "remove>2153"] },
        { "data: YHOO\ndata: +2\ndata: 10\n\n", ["YHOO\n+2\n10"] },
        { ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            ["#test stream", "first event", "second event", " third event"] },
        { "data\n\ndata\ndata\n\ndata:", ["", "\n"] },
        { "data:test\n\ndata: test\n\n", ["test", "test"] },
        { "data: a\r\n\r\ndata: b\r\rdata: c\n\r\n", ["a", "b", "c"] },
        { "\uFEFFdata: bom\n\n\uFEFFdata: not a field\n\n", ["bom"] },
        { "event: lost\n\ndata: x\n\n", ["x"] },
        { "retry: 10\nunknown: y\n data: z\n\n", [] },
        { ":\n:x\n\n", ["#", "#x"] },
        { "data: unfinished\n", [] },
        { "data: unfinished", [] },
    };

    [Theory]
    [MemberData(nameof(Streams))]
    public async Task Streams_are_read_as_the_standard_says(string stream, string[] expected)
    {
        var bytes = Encoding.UTF8.GetBytes(stream);

        Assert.Equal(expected, await Collect(SseReader.ReadAsync(new MemoryStream(bytes), null, _token)));
        for (var size = 1; size <= 4; size++)
        {
            Assert.Equal(expected, await Collect(SseReader.ReadAsync(Pieces(bytes, size), null, _token)));
        }
    }

    [Fact]
    public void What_is_written_is_read_back_however_it_is_cut()
    {
        var payload = Gen.String.Select(text => text.Replace('\r', '\n').Replace("\0", ""));
        Gen.Select(payload.Array[0, 5], Gen.Int[1, 50]).Sample((payloads, size) =>
        {
            var buffer = new ArrayBufferWriter<byte>();
            var expected = new List<string>();
            foreach (var each in payloads)
            {
                SseWriter.WriteData(buffer, Encoding.UTF8.GetBytes(each));
                SseWriter.WriteComment(buffer, "note");
                expected.Add(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(each)));
                expected.Add("#note");
            }

            var parser = new SseParser();
            var read = new List<string>();
            foreach (var piece in buffer.WrittenSpan.ToArray().Chunk(size))
            {
                parser.Append(piece);
                while (parser.TryRead(out var item))
                {
                    read.Add(Shown(item));
                }
            }

            Assert.Equal(expected, read);
        });
    }

    [Fact]
    public void A_comment_or_type_cannot_smuggle_in_a_line()
    {
        Assert.Throws<ArgumentException>(() => SseWriter.Comment("a\ndata: b"));
        Assert.Throws<ArgumentException>(() => SseWriter.Data("x"u8, "a\rdata: b"));
        Assert.Equal(": a\n\n"u8.ToArray(), SseWriter.Comment("a"));
        Assert.Equal("event: e\ndata: a\ndata: b\n\n"u8.ToArray(), SseWriter.Data("a\r\nb"u8, "e"));
    }

    [Theory]
    [InlineData("data: 0123456789", "sse_line_too_long")]
    [InlineData("data: 01234\ndata: 01234\ndata: 01234\ndata: 01234\n", "sse_event_too_long")]
    [InlineData(":\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n",
        "sse_stream_too_long")]
    public async Task A_peer_that_sends_too_much_is_cut_off(string stream, string code)
    {
        var limits = new SseLimits { MaxLineBytes = 12, MaxEventBytes = 20, MaxTotalBytes = 50 };
        var pieces = Pieces(Encoding.UTF8.GetBytes(stream), 3);

        var thrown = await Assert.ThrowsAsync<SseException>(() => Collect(SseReader.ReadAsync(pieces, limits, _token)));

        Assert.Equal(code, thrown.Code);
    }

    [Fact]
    public void Any_bytes_are_read_without_another_exception()
    {
        var limits = new SseLimits { MaxLineBytes = 64, MaxEventBytes = 64, MaxTotalBytes = 4_096 };
        var bytes = Gen.Int[0, 11].Select(i => (byte)"data: \n\r:xé"[i % 11]).Array[0, 300];
        Gen.Select(bytes, Gen.Int[1, 40]).Sample((stream, size) =>
        {
            var parser = new SseParser(limits);
            try
            {
                foreach (var piece in stream.Chunk(size))
                {
                    parser.Append(piece);
                    while (parser.TryRead(out _))
                    {
                    }
                }
            }
            catch (SseException)
            {
            }
        });
    }

    [Fact]
    public void A_steady_stream_allocates_nothing()
    {
        var parser = new SseParser();
        var piece = SseWriter.Data("{\"choices\":[{\"delta\":{\"content\":\"hello\"}}]}"u8);
        var count = 0;
        Feed(100);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Feed(2_000);

        Assert.Equal(2_100, count);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000);

        void Feed(int times)
        {
            for (var i = 0; i < times; i++)
            {
                parser.Append(piece);
                while (parser.TryRead(out _))
                {
                    count++;
                }
            }
        }
    }

    private static async Task<List<string>> Collect(IAsyncEnumerable<SseItem> items)
    {
        var shown = new List<string>();
        await foreach (var item in items)
        {
            shown.Add(Shown(item));
        }

        return shown;
    }

    private static string Shown(SseItem item)
    {
        var text = Encoding.UTF8.GetString(item.Bytes.Span);
        return item.Kind == SseItemKind.Comment ? "#" + text : item.Event is null ? text : item.Event + ">" + text;
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> Pieces(byte[] bytes, int size)
    {
        foreach (var piece in bytes.Chunk(size))
        {
            await Task.Yield();
            yield return piece;
        }
    }
}
