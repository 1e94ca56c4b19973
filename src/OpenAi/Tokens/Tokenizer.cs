using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Tokens;

/// <summary>
/// A byte-level BPE tokenizer as Hugging Face's <c>tokenizer.json</c> describes it. Immutable and safe for concurrent
/// use. A file that needs anything else is refused at load with the construct named.
/// </summary>
public sealed class Tokenizer
{
    private const int MaxFileBytes = 64 * 1024 * 1024;

    private readonly BytePairs _pairs;
    private readonly PreTokenizer _preTokenizer;
    private readonly AddedTokens _early;
    private readonly AddedTokens _late;
    private readonly bool _composes;
    private readonly Dictionary<string, int> _ids;
    private readonly FrozenSet<int> _special;
    private readonly byte[] _bytes;
    private readonly int[] _offsets;

    private Tokenizer(JsonElement root, TokenizerConfig config)
    {
        var vocabulary = VocabularyReader.Read(root);
        TokenizerReader.CheckDecoder(root);
        _composes = TokenizerReader.NeedsComposition(root);
        _preTokenizer = TokenizerReader.ReadPreTokenizer(root);
        _pairs = new BytePairs(
            vocabulary.ByteIds(), vocabulary.Merges, vocabulary.Ids, vocabulary.TakesWholePieces);
        _early = new AddedTokens(vocabulary.EarlyTokens);
        _late = new AddedTokens(_composes
            ? vocabulary.LateTokens.Select(token => token with { Content = Composition.Compose(token.Content) })
            : vocabulary.LateTokens);
        _ids = vocabulary.Ids;
        _special = vocabulary.SpecialIds.ToFrozenSet();
        VocabularySize = vocabulary.Texts.Keys.Last() + 1;
        (_bytes, _offsets) = Table(vocabulary.Texts, VocabularySize);
        PrefixIds = [.. TokenizerReader.PrefixTokens(root).Select(RequireId)];
        BosToken = config.BosToken;
        EosToken = config.EosToken;
        ChatTemplateSource = config.ChatTemplate;
        var ends = new SortedSet<int>(config.GenerationEosIds);
        if (config.EosToken is not null)
        {
            ends.Add(RequireId(config.EosToken));
        }

        EosIds = [.. ends];
    }

    /// <summary>One more than the greatest id.</summary>
    public int VocabularySize { get; }

    /// <summary>Ids that end an answer, ascending; empty where no file names one.</summary>
    public IReadOnlyList<int> EosIds { get; }

    /// <summary>The text of the beginning-of-sequence token, or null.</summary>
    public string? BosToken { get; }

    public string? EosToken { get; }

    /// <summary>The chat template that tokenizer_config.json carries, or null.</summary>
    public string? ChatTemplateSource { get; }

    /// <summary>
    /// Ids that the file's post-processor would put before a plain text. Chat templates write them themselves, so
    /// <see cref="Encode"/> does not add them.
    /// </summary>
    public IReadOnlyList<int> PrefixIds { get; }

    /// <summary>
    /// Loads a tokenizer. <paramref name="tokenizerConfig"/> (tokenizer_config.json) names the beginning and end tokens
    /// and may hold the chat template; <paramref name="generationConfig"/> (generation_config.json) may name more end
    /// tokens.
    /// </summary>
    public static LoadResult<Tokenizer> Load(
        ReadOnlyMemory<byte> tokenizerJson,
        ReadOnlyMemory<byte> tokenizerConfig = default,
        ReadOnlyMemory<byte> generationConfig = default)
    {
        try
        {
            using var document = TokenizerConfig.Open("tokenizer.json", tokenizerJson, MaxFileBytes);
            return new Tokenizer(document.RootElement, TokenizerConfig.Read(tokenizerConfig, generationConfig));
        }
        catch (TokenizerRefusal refusal)
        {
            return refusal.Refused;
        }
        catch (Exception exception) when (exception is InvalidOperationException or KeyNotFoundException
            or FormatException)
        {
            // System.Text.Json throws these where a value has another type or a property is missing.
            return new ConstructRefused("shape", 0, $"A tokenizer file has an unexpected shape: {exception.Message}");
        }
    }

    /// <summary>
    /// Ids of a text. With <paramref name="parseSpecial"/> the texts of special tokens become their ids, as chat
    /// templates need; without, they are ordinary text. Nothing is added in front or behind. Throws
    /// <see cref="System.Text.RegularExpressions.RegexMatchTimeoutException"/> where the file's own pattern takes
    /// seconds on one piece, which only a hostile file brings about.
    /// </summary>
    public int[] Encode(string text, bool parseSpecial)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>(text.Length / 3 + 8);
        if (_early.IsEmpty)
        {
            EncodeNormalized(text, parseSpecial, ids);
        }
        else
        {
            _early.Split(
                text, parseSpecial, range => EncodeNormalized(text[range], parseSpecial, ids), token =>
                    ids.Add(token.Id));
        }

        return [.. ids];
    }

    /// <summary>
    /// Ids of a text that no template frames: what the file's post-processor puts around it is there, and the texts of
    /// special tokens are their ids. Throws as <see cref="Encode"/> does.
    /// </summary>
    public int[] EncodeFramed(string text) => [.. PrefixIds, .. Encode(text, parseSpecial: true)];

    /// <summary>The text of ids; bytes that are not UTF-8 become U+FFFD. Unknown ids decode to nothing.</summary>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecial) =>
        Encoding.UTF8.GetString(DecodeBytes(ids, skipSpecial));

    /// <summary>The exact bytes of ids, which need not be UTF-8 at the ends.</summary>
    public byte[] DecodeBytes(ReadOnlySpan<int> ids, bool skipSpecial)
    {
        var length = 0;
        foreach (var id in ids)
        {
            length += skipSpecial && IsSpecial(id) ? 0 : Bytes(id).Length;
        }

        var bytes = new byte[length];
        var rest = bytes.AsSpan();
        foreach (var id in ids)
        {
            if (!skipSpecial || !IsSpecial(id))
            {
                var piece = Bytes(id).Span;
                piece.CopyTo(rest);
                rest = rest[piece.Length..];
            }
        }

        return bytes;
    }

    /// <summary>The exact bytes of one token; empty for an unknown id.</summary>
    public ReadOnlyMemory<byte> Bytes(int id) => id >= 0 && id < VocabularySize
        ? _bytes.AsMemory(_offsets[id], _offsets[id + 1] - _offsets[id])
        : default;

    public bool IsSpecial(int id) => _special.Contains(id);

    /// <summary>
    /// The id of an added token by its text, or of any token by its text in the file's byte alphabet.
    /// </summary>
    public int? IdOf(string token) => _ids.TryGetValue(token, out var id) ? id : null;

    /// <summary>A decoder for one answer that arrives token by token.</summary>
    public IncrementalDecoder NewDecoder(bool skipSpecial = true) => new(this, skipSpecial);

    private static (byte[] Bytes, int[] Offsets) Table(SortedDictionary<int, string> texts, int size)
    {
        var offsets = new int[size + 1];
        var bytes = new MemoryStream();
        var next = 0;
        foreach (var (id, text) in texts)
        {
            Array.Fill(offsets, (int)bytes.Length, next, id - next + 1);
            next = id + 1;
            bytes.Write(ByteAlphabet.BytesOf(text));
        }

        offsets[size] = (int)bytes.Length;
        return (bytes.ToArray(), offsets);
    }

    private int RequireId(string token) =>
        IdOf(token) ?? throw new TokenizerRefusal("special token", $"the unknown token '{token}'");

    private void EncodeNormalized(string text, bool parseSpecial, List<int> ids)
    {
        var normalized = _composes ? Composition.Compose(text) : text;
        if (_late.IsEmpty)
        {
            EncodeOrdinary(normalized, ids);
            return;
        }

        _late.Split(
            normalized, parseSpecial, range => EncodeOrdinary(normalized[range], ids), token => ids.Add(token.Id));
    }

    private void EncodeOrdinary(string text, List<int> ids)
    {
        var prefixed = _preTokenizer.Prefixed(text);
        var buffer = new byte[256];
        foreach (var range in _preTokenizer.Split(prefixed))
        {
            var piece = prefixed.AsSpan()[range];
            var most = Encoding.UTF8.GetMaxByteCount(piece.Length);
            if (buffer.Length < most)
            {
                buffer = new byte[most];
            }

            _pairs.Encode(buffer.AsSpan(0, Encoding.UTF8.GetBytes(piece, buffer)), ids);
        }
    }
}
