using System.Buffers;
using System.Text;

namespace Souk.OpenAi.Tokens;

/// <summary>Byte-level BPE (GPT-2, Llama 3, Qwen): a piece starts as one id per byte of its UTF-8.</summary>
/// <param name="byteIds">The id of each of the 256 bytes.</param>
/// <param name="vocabulary">Ids by text in the byte alphabet.</param>
/// <param name="takesWholePieces">A piece that is in the vocabulary is one token (ignore_merges).</param>
internal sealed class ByteLevelPairs(
    int[] byteIds, PairMerges merges, Dictionary<string, int> vocabulary, bool takesWholePieces) : ITokenModel
{
    private const int StackLength = 256;

    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _whole =
        vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();

    public void Encode(ReadOnlySpan<char> piece, List<int> ids)
    {
        var most = Encoding.UTF8.GetMaxByteCount(piece.Length);
        var rented = most > StackLength ? ArrayPool<byte>.Shared.Rent(most) : null;
        Span<byte> buffer = rented ?? stackalloc byte[StackLength];
        EncodeBytes(buffer[..Encoding.UTF8.GetBytes(piece, buffer)], ids);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private void EncodeBytes(ReadOnlySpan<byte> piece, List<int> ids)
    {
        if (piece.Length == 1)
        {
            ids.Add(byteIds[piece[0]]);
            return;
        }

        if (takesWholePieces && FindWhole(piece) is { } whole)
        {
            ids.Add(whole);
            return;
        }

        var rented = piece.Length > StackLength ? ArrayPool<int>.Shared.Rent(piece.Length) : null;
        var symbols = (rented ?? stackalloc int[StackLength])[..piece.Length];
        for (var i = 0; i < piece.Length; i++)
        {
            symbols[i] = byteIds[piece[i]];
        }

        merges.Apply(symbols, ids);
        if (rented is not null)
        {
            ArrayPool<int>.Shared.Return(rented);
        }
    }

    private int? FindWhole(ReadOnlySpan<byte> piece)
    {
        // Vocabulary entries of more than 1,024 bytes do not occur; without this bound a long piece is copied in vain.
        if (piece.Length > 1_024)
        {
            return null;
        }

        Span<char> characters = stackalloc char[piece.Length];
        ByteAlphabet.Write(piece, characters);
        return _whole.TryGetValue(characters, out var id) ? id : null;
    }
}
