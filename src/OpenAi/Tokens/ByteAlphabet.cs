using System.Text;

namespace Souk.OpenAi.Tokens;

/// <summary>
/// The printable stand-ins for the 256 bytes in which byte-level vocabularies are written (GPT-2's bytes_to_unicode):
/// visible Latin-1 stands for itself, the other bytes take the code points from U+0100 on, in order.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] _chars = Build();
    private static readonly Dictionary<char, byte> _bytes =
        _chars.Select((character, value) => (character, value)).ToDictionary(p => p.character, p => (byte)p.value);

    internal static char Of(byte value) => _chars[value];

    internal static void Write(ReadOnlySpan<byte> bytes, Span<char> characters)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            characters[i] = _chars[bytes[i]];
        }
    }

    /// <summary>
    /// The bytes of a vocabulary entry. An entry with any character outside the alphabet, such as a special token with
    /// a fullwidth bar, stands for its own UTF-8, as Hugging Face's ByteLevel decoder has it.
    /// </summary>
    internal static byte[] BytesOf(string token)
    {
        var bytes = new byte[token.Length];
        for (var i = 0; i < token.Length; i++)
        {
            if (!_bytes.TryGetValue(token[i], out bytes[i]))
            {
                return Encoding.UTF8.GetBytes(token);
            }
        }

        return bytes;
    }

    private static char[] Build()
    {
        var characters = new char[256];
        var next = 256;
        for (var value = 0; value < 256; value++)
        {
            var isVisible = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            characters[value] = (char)(isVisible ? value : next++);
        }

        return characters;
    }
}
