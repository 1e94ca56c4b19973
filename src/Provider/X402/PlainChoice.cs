using System.Text;
using Souk.OpenAi.Chat;

namespace Souk.Provider.X402;

/// <summary>What one choice of an unstreamed answer has brought so far.</summary>
internal sealed class PlainChoice
{
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _reasoning = new();
    private readonly ToolCallsSoFar _calls = new();
    private readonly LogprobsSoFar _logprobs = new();
    private readonly LogprobsSoFar _promptLogprobs = new();
    private readonly List<int> _ids = [];
    private string? _finish;

    public bool HasOutput => _text.Length > 0 || _reasoning.Length > 0 || _calls.All.Count > 0;

    public void Take(ChunkChoice part)
    {
        _text.Append(part.Content);
        _reasoning.Append(part.Reasoning);
        _calls.Take(part.ToolCalls);
        _logprobs.Take(part.Logprobs);
        _promptLogprobs.Take(part.PromptLogprobs);
        _ids.AddRange(part.TokenIds ?? []);
        _finish = part.FinishReason ?? _finish;
    }

    public ChatChoice Finish(int index, bool tellsIds)
    {
        var calls = _calls.All;
        return new ChatChoice(
            index, _text.Length == 0 && calls.Count > 0 ? null : _text.ToString(),
            FinishReasons.Accepted(_finish ?? FinishReasons.Length))
        {
            Reasoning = _reasoning.Length > 0 ? _reasoning.ToString() : null,
            ToolCalls = calls,
            Logprobs = _logprobs.ToJson(),
            PromptLogprobs = _promptLogprobs.ToJson(),
            TokenIds = tellsIds ? _ids : null,
        };
    }
}
