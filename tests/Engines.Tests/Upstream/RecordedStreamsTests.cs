using System.Text;
using Souk.Engines.Upstream;
using Souk.Protocol;

namespace Souk.Engines.Tests.Upstream;

/// <summary>What real servers were seen to send (see streams/SOURCES), sent again over loopback.</summary>
public sealed class RecordedStreamsTests
{
    [Fact]
    public async Task Ollama_reasons_then_answers_and_counts_by_usage()
    {
        var events = await ReplayAsync("ollama-reasoning.sse");
        Assert.Equal("Hello there! 👋 How can I help you today?", events.Text());
        Assert.StartsWith("The user says \"hi\".", Reasoning(events), StringComparison.Ordinal);
        Assert.Equal(new PromptCounted(68, 0, null), events.OfType<PromptCounted>().Single());
        Assert.Equal(new Finished(0, "stop", 41), events.End());
    }

    [Fact]
    public async Task Ollama_calls_a_tool_in_one_chunk()
    {
        var events = await ReplayAsync("ollama-tool.sse");
        string calls = ToolCalls(events).Single();
        Assert.Contains("""{\"city\":\"Berlin\"}""", calls, StringComparison.Ordinal);
        Assert.Equal(new Finished(0, "tool_calls", 29), events.End());
    }

    [Fact]
    public async Task Llama_cpp_sends_usage_in_a_chunk_without_choices()
    {
        var events = await ReplayAsync("llamacpp-text.sse");
        Assert.Equal("Here are the words as requested", events.Text());
        Assert.Equal(new PromptCounted(22, 0, null), events.OfType<PromptCounted>().Single());
        Assert.Equal(new Finished(0, "stop", 17), events.End());
    }

    [Fact]
    public async Task Llama_cpp_separates_reasoning()
    {
        var events = await ReplayAsync("llamacpp-reasoning.sse");
        Assert.Equal("OK", events.Text());
        Assert.Equal("Thinking Process", Reasoning(events));
        Assert.Equal(new Finished(0, "stop", 191), events.End());
    }

    [Fact]
    public async Task Llama_cpp_streams_a_tool_call_in_fragments()
    {
        var events = await ReplayAsync("llamacpp-tool.sse");
        Assert.Equal(5, ToolCalls(events).Count());
        Assert.Equal(new Finished(0, "tool_calls", 67), events.End());
    }

    [Fact]
    public async Task Sglang_sends_null_for_what_is_absent()
    {
        var events = await ReplayAsync("sglang-usage.sse");
        Assert.Equal("\n\nOK", events.Text());
        Assert.Equal(new PromptCounted(57, 0, null), events.OfType<PromptCounted>().Single());
        Assert.Equal(new Finished(0, "stop", 28), events.End());
    }

    [Fact]
    public async Task Sglang_without_usage_delivers_all_and_then_cannot_be_billed()
    {
        List<EngineEvent> events = [];
        var failed = await Assert.ThrowsAsync<EngineException>(() => ReplayAsync("sglang-tools-no-usage.sse", events));
        Assert.Equal((Fault.Ours, "upstream_usage_missing"), (failed.Fault, failed.Code));
        Assert.Equal("I'll get the weather for both cities.\n\n", events.Text());
        Assert.Equal(6, ToolCalls(events).Count());
    }

    [Fact]
    public async Task Vllm_cut_off_is_the_upstream_s_fault()
    {
        List<EngineEvent> events = [];
        var failed = await Assert.ThrowsAsync<EngineException>(() => ReplayAsync("vllm-no-usage.sse", events));
        Assert.Equal((Fault.Ours, "upstream_truncated"), (failed.Fault, failed.Code));
        Assert.Equal(
            "The capital of the United States is Washington, D.C. (short for District of Columbia).", events.Text());
    }

    [Fact]
    public async Task Vllm_holding_a_tool_call_back_still_counts()
    {
        var events = await ReplayAsync("vllm-held-tool.sse");
        Assert.Equal(3, ToolCalls(events).Count());
        Assert.Equal(new PromptCounted(3, 0, null), events.OfType<PromptCounted>().Single());
        Assert.Equal(new Finished(0, "tool_calls", 8), events.End());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    public async Task Where_the_network_cuts_a_stream_makes_no_difference(int piece)
    {
        var whole = await ReplayAsync("ollama-reasoning.sse");
        var cut = await ReplayAsync("ollama-reasoning.sse", piece: piece);
        Assert.Equal(whole, cut, (left, right) => left!.ToString() == right!.ToString());
    }

    private static async Task<List<EngineEvent>> ReplayAsync(
        string name, List<EngineEvent>? events = null, int piece = int.MaxValue)
    {
        events ??= [];
        byte[] recorded = await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "streams", name));
        await using var server = await LoopbackServer.StartAsync();
        server.Answer = async context =>
        {
            context.Response.ContentType = "text/event-stream";
            for (int at = 0; at < recorded.Length; at += Math.Min(piece, recorded.Length - at))
            {
                await context.Response.Body.WriteAsync(recorded.AsMemory(at, Math.Min(piece, recorded.Length - at)));
                await context.Response.Body.FlushAsync();
            }
        };
        await using var engine = await UpstreamEngine.ConnectAsync(
            new UpstreamOptions { BaseUrl = server.BaseUrl }, TimeProvider.System, default);
        await foreach (var happened in engine.GenerateAsync(Ask.For("hi", maxTokens: 512), default))
        {
            events.Add(happened);
        }

        return events;
    }

    private static string Reasoning(List<EngineEvent> events) =>
        string.Concat(events.OfType<TokenOut>().Select(token => token.Reasoning));

    private static IEnumerable<string> ToolCalls(List<EngineEvent> events) =>
        events.OfType<TokenOut>().Where(token => !token.ToolCalls.IsEmpty)
            .Select(token => Encoding.UTF8.GetString(token.ToolCalls.Span));
}
