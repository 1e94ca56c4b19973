using System.Text;

namespace Souk.Fuzz;

/// <summary>Makes inputs that are nearly right out of those that are.</summary>
internal sealed class Mutator(Random random)
{
    private const int Longest = 32 << 10;
    private const int DeepestNest = 2_000;

    private static readonly string[] Numbers =
    [
        "0", "-1", "1e999", "-0", "1.5", "0x10", "007", "18446744073709551615", "18446744073709551616",
        "340282366920938463463374607431768211455", "340282366920938463463374607431768211456", "9007199254740993",
        "4294967296", "2147483648", "-9223372036854775809",
    ];

    private static readonly string[] Fragments =
    [
        "null", "true", "{}", "[]", "\"\"", "\"\\u0000\"", "\"\\ud800\"", "\\", "\"", ",", ":", "}", "]", "{\"a\":1}",
        "[DONE]", "data: ", "\n\n", "\r\n", ": souk-receipt ", "event: x\n", "\uFEFF", "__proto__", "NaN", "Infinity",
        "0x", "==", "\0",
    ];

    /// <summary>A new input from one or two others.</summary>
    public byte[] Next(IReadOnlyList<byte[]> corpus)
    {
        var bytes = corpus[random.Next(corpus.Count)].ToList();
        for (var i = random.Next(1, 5); i > 0; i--)
        {
            Change(bytes, corpus);
        }

        return bytes.Count > Longest ? [.. bytes.Take(Longest)] : [.. bytes];
    }

    private void Change(List<byte> bytes, IReadOnlyList<byte[]> corpus)
    {
        var at = random.Next(bytes.Count + 1);
        switch (random.Next(11))
        {
            case 0 when bytes.Count > 0:
                bytes[at % bytes.Count] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when bytes.Count > 0:
                bytes[at % bytes.Count] = (byte)random.Next(256);
                break;
            case 2:
                var noise = new byte[random.Next(1, 9)];
                random.NextBytes(noise);
                bytes.InsertRange(at, noise);
                break;
            case 3:
                bytes.RemoveRange(at, random.Next(bytes.Count - at + 1));
                break;
            case 4:
                bytes.RemoveRange(at, Math.Min(random.Next(1, 9), bytes.Count - at));
                break;
            case 5:
                // Repeats, as of members and array elements.
                var length = Math.Min(random.Next(1, 256), bytes.Count - at);
                bytes.InsertRange(at, bytes.GetRange(at, length));
                break;
            case 6:
                var other = corpus[random.Next(corpus.Count)];
                var from = random.Next(other.Length + 1);
                bytes.InsertRange(at, other[from..Math.Min(other.Length, from + random.Next(1, 512))]);
                break;
            case 7:
                Replace(bytes, at, char.IsAsciiDigit, Numbers[random.Next(Numbers.Length)]);
                break;
            case 8:
                bytes.InsertRange(at, Encoding.UTF8.GetBytes(Fragments[random.Next(Fragments.Length)]));
                break;
            case 9 when random.Next(20) == 0:
                bytes.InsertRange(at, Enumerable.Repeat((byte)"[{\"("[random.Next(4)], random.Next(DeepestNest)));
                break;
            default:
                Replace(bytes, at, letter =>
                    char.IsAsciiLetterOrDigit(letter), Fragments[random.Next(Fragments.Length)]);
                break;
        }
    }

    // The next run of such characters, if there is one.
    private static void Replace(List<byte> bytes, int at, Func<char, bool> isPart, string by)
    {
        var start = bytes.FindIndex(Math.Min(at, bytes.Count), letter => isPart((char)letter));
        if (start < 0)
        {
            return;
        }

        var end = bytes.FindIndex(start, letter => !isPart((char)letter));
        bytes.RemoveRange(start, (end < 0 ? bytes.Count : end) - start);
        bytes.InsertRange(start, Encoding.UTF8.GetBytes(by));
    }
}
