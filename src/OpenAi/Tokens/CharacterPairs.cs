using System.Buffers;
using System.Text;

namespace Souk.OpenAi.Tokens;

/// <summary>
/// BPE over characters, as SentencePiece's models are published (Llama 2, Mistral, Gemma): a piece starts as one id per
/// character; a character outside the vocabulary becomes the ids of its UTF-8 bytes, or the unknown token, or nothing.
/// </summary>
/// <param name="vocabulary">Ids by text.</param>
/// <param name="byteIds">Ids of the tokens <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c> where bytes are the way
/// out.</param>
/// <param name="unknownId">The unknown token, or null where unknown characters are passed over.</param>
/// <param name="fusesUnknown">Neighbouring unknown characters are one unknown token.</param>
/// <param name="takesWholePieces">A piece that is in the vocabulary is one token (ignore_merges).</param>
internal sealed class CharacterPairs(
    Dictionary<string, int> vocabulary,
    PairMerges merges,
    int[]? byteIds,
    int? unknownId,
    bool fusesUnknown,
    bool takesWholePieces) : ITokenModel
{
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _ids =
        vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();

    public void Encode(ReadOnlySpan<char> piece, List<int> ids)
    {
        if (takesWholePieces && piece.Length <= 1_024 && _ids.TryGetValue(piece, out var whole))
        {
            ids.Add(whole);
            return;
        }

        // No UTF-16 unit has more than three bytes in UTF-8.
        var rented = ArrayPool<int>.Shared.Rent(byteIds is null ? piece.Length : piece.Length * 3);
        var count = 0;
        var isAfterUnknown = false;
        for (var i = 0; i < piece.Length;)
        {
            var length = char.IsHighSurrogate(piece[i]) ? 2 : 1;
            var character = piece.Slice(i, length);
            i += length;
            if (_ids.TryGetValue(character, out var id))
            {
                rented[count++] = id;
                isAfterUnknown = false;
            }
            else if (byteIds is not null)
            {
                count += Bytes(character, rented.AsSpan(count));
            }
            else if (unknownId is { } unknown)
            {
                if (!isAfterUnknown || !fusesUnknown)
                {
                    rented[count++] = unknown;
                }

                isAfterUnknown = true;
            }
        }

        merges.Apply(rented.AsSpan(0, count), ids);
        ArrayPool<int>.Shared.Return(rented);
    }

    private int Bytes(ReadOnlySpan<char> character, Span<int> output)
    {
        Span<byte> bytes = stackalloc byte[4];
        var length = Encoding.UTF8.GetBytes(character, bytes);
        for (var i = 0; i < length; i++)
        {
            output[i] = byteIds![bytes[i]];
        }

        return length;
    }
}
