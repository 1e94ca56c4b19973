using Souk.OpenAi.Chat;

namespace Souk.OpenAi.Dialogue;

/// <summary>What a stream tells of blocks: each is opened, grows and is closed before the next is opened.</summary>
internal interface IBlockWriter
{
    void Open(AnswerBlock block);

    /// <param name="piece">What was added; not empty.</param>
    /// <param name="logprobs">The tokens of the piece where they were asked for.</param>
    void Grow(AnswerBlock block, string piece, IReadOnlyList<byte[]> logprobs);

    void Close(AnswerBlock block);
}

/// <summary>
/// Turns the parts of one choice into blocks. A chat's stream may mix the pieces of parallel calls; the other APIs
/// tell one block after the other, so what belongs to a later block waits until the open one is complete.
/// </summary>
/// <param name="fallbackId">Begins the id of a call whose engine gave none, or the same twice.</param>
internal sealed class AnswerBlocks(string fallbackId, bool withLogprobs)
{
    private const int MostCalls = 128;
    private readonly List<AnswerBlock> _blocks = [];
    private readonly Queue<AnswerBlock> _waiting = [];
    private readonly Dictionary<int, AnswerBlock> _calls = [];
    private readonly HashSet<string> _callIds = [];
    private AnswerBlock? _open;

    /// <summary>The blocks that were opened, in order.</summary>
    internal IReadOnlyList<AnswerBlock> All => _blocks;

    /// <summary>The engine's last word on why it ended, or null.</summary>
    internal string? FinishReason { get; private set; }

    /// <summary>Nothing follows the block that is closed now.</summary>
    internal bool IsFinished { get; private set; }

    /// <summary>The blocks of a whole answer.</summary>
    internal static AnswerBlocks Of(ChatChoice choice, string fallbackId)
    {
        var blocks = new AnswerBlocks(fallbackId, withLogprobs: true) { FinishReason = choice.FinishReason };
        blocks.Add(BlockKind.Reasoning, choice.Reasoning, default, null);
        blocks.Add(BlockKind.Text, choice.Content, choice.Logprobs, null);
        blocks.Add(BlockKind.Refusal, choice.Refusal, default, null);
        foreach (var call in choice.ToolCalls)
        {
            blocks.TakeCall(new ToolCallDelta(blocks._calls.Count, call.Id, call.Name, call.Arguments), null);
        }

        blocks.Finish(null);
        return blocks;
    }

    internal void Take(ChunkChoice part, IBlockWriter? writer)
    {
        Add(BlockKind.Reasoning, part.Reasoning, default, writer);
        Add(BlockKind.Text, part.Content, part.Logprobs, writer);
        Add(BlockKind.Refusal, part.Refusal, default, writer);
        foreach (var delta in ToolCallDelta.Read(part.ToolCalls))
        {
            TakeCall(delta, writer);
        }

        FinishReason = part.FinishReason ?? FinishReason;
    }

    /// <summary>Nothing follows: what waits is told, and the last block is closed.</summary>
    internal void Finish(IBlockWriter? writer)
    {
        while (_waiting.Count > 0)
        {
            Advance(writer);
        }

        IsFinished = true;
        CloseOpen(writer);
    }

    private void Add(BlockKind kind, string? piece, ReadOnlyMemory<byte> logprobs, IBlockWriter? writer)
    {
        if (string.IsNullOrEmpty(piece))
        {
            return;
        }

        var last = _waiting.Count > 0 ? _waiting.Last() : _open;
        if (last?.Kind != kind)
        {
            last = new AnswerBlock(kind);
            _waiting.Enqueue(last);
        }

        Grow(last, piece, withLogprobs ? TokenLogprobs.Read(logprobs) : [], writer);
    }

    private void TakeCall(ToolCallDelta delta, IBlockWriter? writer)
    {
        var index = delta.Index ?? (_calls.Count == 0 || delta.Name.Length > 0 ? _calls.Count : _calls.Count - 1);
        if (!_calls.TryGetValue(index, out var call))
        {
            if (_calls.Count == MostCalls)
            {
                return;
            }

            call = new AnswerBlock(BlockKind.Call);
            _calls.Add(index, call);
            _waiting.Enqueue(call);
        }

        if (call.Index < 0)
        {
            call.Name += delta.Name;
            call.CallId = delta.Id.Length > 0 ? delta.Id : call.CallId;
        }

        Grow(call, delta.Arguments, [], writer);
    }

    private void Grow(AnswerBlock block, string piece, IReadOnlyList<byte[]> logprobs, IBlockWriter? writer)
    {
        block.Append(piece);
        block.Logprobs.AddRange(logprobs);
        if (block == _open && piece.Length > 0)
        {
            writer?.Grow(block, piece, logprobs);
        }

        // A call without arguments yet may still be given its name.
        while (_waiting.TryPeek(out var next) && _open?.IsComplete != false && next.Text.Length > 0)
        {
            Advance(writer);
        }
    }

    private void Advance(IBlockWriter? writer)
    {
        CloseOpen(writer);
        _open = _waiting.Dequeue();
        _open.Index = _blocks.Count;
        _blocks.Add(_open);
        if (_open.Kind == BlockKind.Call && !(_open.CallId.Length > 0 && _callIds.Add(_open.CallId)))
        {
            _open.CallId = $"{fallbackId}_{_open.Index}";
            _callIds.Add(_open.CallId);
        }

        writer?.Open(_open);
        if (_open.Text.Length > 0)
        {
            writer?.Grow(_open, _open.Text.ToString(), _open.Logprobs);
        }
    }

    private void CloseOpen(IBlockWriter? writer)
    {
        if (_open is not null)
        {
            writer?.Close(_open);
            _open = null;
        }
    }
}
