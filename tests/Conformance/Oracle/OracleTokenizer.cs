using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Souk.Conformance.Oracle;

/// <summary>
/// A byte-level BPE reader of <c>tokenizer.json</c>, written from the format's description and as plain as possible:
/// it is slow and shares nothing with the product, so that both agree only if both are right.
/// </summary>
internal sealed class OracleTokenizer
{
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly Dictionary<int, string> _words = [];
    private readonly Dictionary<string, int> _special = new(StringComparer.Ordinal);
    private readonly List<string> _merges;
    private readonly Regex _split;
    private readonly char[] _shown = Shown();

    public OracleTokenizer(string folder)
    {
        var root = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "tokenizer.json"))).RootElement;
        foreach (var word in root.GetProperty("model").GetProperty("vocab").EnumerateObject())
        {
            _ids[word.Name] = word.Value.GetInt32();
            _words[word.Value.GetInt32()] = word.Name;
        }

        _merges = [.. root.GetProperty("model").GetProperty("merges").EnumerateArray().Select(Merge)];
        foreach (var added in root.GetProperty("added_tokens").EnumerateArray())
        {
            _special[added.GetProperty("content").GetString()!] = added.GetProperty("id").GetInt32();
        }

        var pattern = root.GetProperty("pre_tokenizer").GetProperty("pretokenizers")[0].GetProperty("pattern");
        _split = new Regex(pattern.GetProperty("Regex").GetString()!, RegexOptions.CultureInvariant);
    }

    /// <summary>
    /// Tokens of a conversation as the demo model's chat template lays it out: begin, then for each message its role's
    /// mark, its trimmed text and the end mark, then the assistant's mark.
    /// </summary>
    public int CountPrompt(IEnumerable<(string Role, string Text)> messages)
    {
        var count = 1;
        foreach (var (role, text) in messages)
        {
            Assert.True(_special.ContainsKey($"<|{role}|>"));
            count += 1 + Encode(text.Trim()).Count + 1;
        }

        return count + 1;
    }

    /// <summary>The bytes that ids stand for, special tokens left out.</summary>
    public byte[] Decode(IEnumerable<int> ids)
    {
        using var bytes = new MemoryStream();
        foreach (var letter in ids.Where(id => !_special.ContainsValue(id)).SelectMany(id => _words[id]))
        {
            bytes.WriteByte((byte)Array.IndexOf(_shown, letter));
        }

        return bytes.ToArray();
    }

    /// <summary>Ids of a text in which special tokens are not looked for.</summary>
    public List<int> Encode(string text)
    {
        List<int> ids = [];
        foreach (Match part in _split.Matches(text))
        {
            var pieces = Encoding.UTF8.GetBytes(part.Value).Select(one => _shown[one].ToString()).ToList();
            while (Best(pieces) is { } at)
            {
                pieces[at] += pieces[at + 1];
                pieces.RemoveAt(at + 1);
            }

            ids.AddRange(pieces.Select(piece => _ids[piece]));
        }

        return ids;
    }

    private int? Best(List<string> pieces)
    {
        var (best, at) = (int.MaxValue, (int?)null);
        for (var i = 0; i + 1 < pieces.Count; i++)
        {
            var rank = _merges.IndexOf(pieces[i] + " " + pieces[i + 1]);
            if (rank >= 0 && rank < best)
            {
                (best, at) = (rank, i);
            }
        }

        return at;
    }

    private static string Merge(JsonElement merge) => merge.ValueKind == JsonValueKind.String
        ? merge.GetString()!
        : $"{merge[0].GetString()} {merge[1].GetString()}";

    // Bytes that print stand for themselves; the others are shown as the characters from 256 on, in order.
    private static char[] Shown()
    {
        var shown = new char[256];
        var next = 256;
        for (var one = 0; one < 256; one++)
        {
            var prints = one is (>= 33 and <= 126) or (>= 161 and <= 172) or (>= 174 and <= 255);
            shown[one] = (char)(prints ? one : next++);
        }

        return shown;
    }
}
