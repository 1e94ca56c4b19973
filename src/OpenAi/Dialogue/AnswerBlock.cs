using System.Text;

namespace Souk.OpenAi.Dialogue;

internal enum BlockKind
{
    Reasoning,
    Text,
    Refusal,
    Call,
}

/// <summary>One piece of an answer, complete in itself: a text, a reasoning or a call.</summary>
internal sealed class AnswerBlock(BlockKind kind)
{
    private CallExtent _extent;

    internal BlockKind Kind { get; } = kind;

    /// <summary>Its place in the answer; -1 until it is opened.</summary>
    internal int Index { get; set; } = -1;

    /// <summary>The text, or a call's arguments.</summary>
    internal StringBuilder Text { get; } = new();

    internal string CallId { get; set; } = "";

    internal string Name { get; set; } = "";

    /// <summary>Tokens as Responses tells them, each a JSON object.</summary>
    internal List<byte[]> Logprobs { get; } = [];

    /// <summary>Nothing can follow in it that means anything, so another block may begin.</summary>
    internal bool IsComplete => Kind != BlockKind.Call || _extent.IsComplete;

    internal void Append(string piece)
    {
        Text.Append(piece);
        if (Kind == BlockKind.Call)
        {
            _extent.Take(piece);
        }
    }
}

/// <summary>Finds the end of a call's arguments, one JSON object, looking at each character once.</summary>
internal struct CallExtent
{
    private int _depth;
    private bool _isInText;
    private bool _isEscaped;

    internal bool IsComplete { get; private set; }

    internal void Take(string piece)
    {
        foreach (var character in piece)
        {
            if (_isInText)
            {
                _isInText = _isEscaped || character != '"';
                _isEscaped = !_isEscaped && character == '\\';
            }
            else if (character is '{' or '[')
            {
                _depth++;
            }
            else if (character is '}' or ']')
            {
                _depth--;
                IsComplete |= _depth <= 0;
            }
            else
            {
                _isInText = character == '"';
            }
        }
    }
}
