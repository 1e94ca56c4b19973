using System.Buffers;
using System.Text;

namespace Souk.OpenAi.Tokens;

/// <summary>
/// Decodes one answer token by token. A token may end inside a UTF-8 sequence; those bytes are held back until the
/// sequence is complete or proves wrong, so that the pieces joined equal <see cref="Tokenizer.Decode"/> of all ids.
/// Not safe for concurrent use.
/// </summary>
public sealed class IncrementalDecoder
{
    private readonly Tokenizer _tokenizer;
    private readonly bool _skipSpecial;
    private readonly byte[] _held = new byte[4];
    private int _heldLength;
    private DecodePlace _place;

    internal IncrementalDecoder(Tokenizer tokenizer, bool skipSpecial)
    {
        _tokenizer = tokenizer;
        _skipSpecial = skipSpecial;
    }

    /// <summary>Bytes held back now, 0 to 3.</summary>
    public int HeldBytes => _heldLength;

    /// <summary>The text that became certain with this token; empty while a sequence is incomplete.</summary>
    public string Append(int id)
    {
        var bytes = _tokenizer.Next(id, _skipSpecial, ref _place);
        if (_heldLength == 0)
        {
            return Take(bytes);
        }

        Span<byte> joined = bytes.Length <= 252 ? stackalloc byte[256] : new byte[bytes.Length + 4];
        _held.AsSpan(0, _heldLength).CopyTo(joined);
        bytes.CopyTo(joined[_heldLength..]);
        return Take(joined[..(_heldLength + bytes.Length)]);
    }

    /// <summary>The end of the answer: an incomplete sequence becomes U+FFFD.</summary>
    public string Flush()
    {
        var text = Encoding.UTF8.GetString(_held.AsSpan(0, _heldLength));
        _heldLength = 0;
        return text;
    }

    private string Take(ReadOnlySpan<byte> bytes)
    {
        var whole = bytes.Length - IncompleteTail(bytes);
        var text = Encoding.UTF8.GetString(bytes[..whole]);
        bytes[whole..].CopyTo(_held);
        _heldLength = bytes.Length - whole;
        return text;
    }

    /// <summary>Bytes at the end that begin a sequence which later bytes may still complete.</summary>
    private static int IncompleteTail(ReadOnlySpan<byte> bytes)
    {
        for (var length = 1; length <= Math.Min(3, bytes.Length); length++)
        {
            var tail = bytes[^length..];
            if ((tail[0] & 0xC0) == 0x80)
            {
                continue;
            }

            return Rune.DecodeFromUtf8(tail, out _, out _) == OperationStatus.NeedMoreData ? length : 0;
        }

        return 0;
    }
}
