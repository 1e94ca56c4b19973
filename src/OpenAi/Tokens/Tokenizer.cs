using System.Buffers;
using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Tokens;

/// <summary>
/// A tokenizer as Hugging Face's <c>tokenizer.json</c> describes it: BPE over bytes or characters, Unigram or
/// WordPiece. Immutable and safe for concurrent use. A file that needs anything else is refused at load with the
/// construct named.
/// </summary>
public sealed class Tokenizer
{
    private const int MaxFileBytes = 64 * 1024 * 1024;

    private readonly ITokenModel _model;
    private readonly Normalizer _normalizer;
    private readonly PreTokenizer _preTokenizer;
    private readonly AddedTokens _early;
    private readonly AddedTokens _late;
    private readonly Dictionary<string, int> _ids;
    private readonly FrozenSet<int> _special;
    private readonly ByteTable _bytes;
    private readonly ByteTable _firstBytes;
    private readonly int _stripCount;
    private readonly byte _strippedByte;

    private Tokenizer(JsonElement root, TokenizerConfig config)
    {
        var vocabulary = VocabularyReader.Read(root);
        var decoder = TokenBytes.Read(root);
        _normalizer = Normalizer.Read(root);
        (_preTokenizer, var isByteLevel) = PreTokenizerReader.Read(root, _normalizer.Drops);
        if (isByteLevel != decoder.IsByteLevel)
        {
            throw new TokenizerRefusal("decoder", "another alphabet than the pre_tokenizer's");
        }

        _model = vocabulary.Model(root, isByteLevel);
        _early = new AddedTokens(vocabulary.EarlyTokens);
        _late = new AddedTokens(vocabulary.LateTokens.Select(Normalized).Where(token => token.Content.Length > 0));
        _ids = vocabulary.Ids;
        _special = vocabulary.SpecialIds.ToFrozenSet();
        VocabularySize = vocabulary.Texts.Keys.Last() + 1;
        _bytes = ByteTable.Of(vocabulary.Texts, text => decoder.Of(text, isFirst: false));
        _firstBytes = decoder.TellsFirst
            ? ByteTable.Of(vocabulary.Texts, text => decoder.Of(text, isFirst: true)) : _bytes;
        (_stripCount, _strippedByte) = (decoder.StripCount, decoder.StrippedByte);
        var (before, after) = TokenizerReader.FrameTokens(root);
        PrefixIds = [.. before.Select(RequireId)];
        SuffixIds = [.. after.Select(RequireId)];
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

    /// <summary>Ids that the file's post-processor would put after a plain text; <see cref="Encode"/> does
    /// not.</summary>
    public IReadOnlyList<int> SuffixIds { get; }

    /// <summary>
    /// Whether a text's first token decodes as it does elsewhere. Where it does not (SentencePiece drops a leading
    /// space), the text of an answer depends on whether its prompt is decoded with it.
    /// </summary>
    public bool IsFirstTokenAlike => _stripCount == 0 && ReferenceEquals(_bytes, _firstBytes);

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
        text = Whole(text);
        if (_early.IsEmpty)
        {
            EncodeNormalized(text, isStart: true, parseSpecial, ids);
        }
        else
        {
            _early.Split(
                text, parseSpecial,
                range => EncodeNormalized(text[range], range.Start.Value == 0, parseSpecial, ids),
                token => ids.Add(token.Id));
        }

        return [.. ids];
    }

    /// <summary>
    /// Ids of a text that no template frames: what the file's post-processor puts around it is there, and the texts of
    /// special tokens are their ids. Throws as <see cref="Encode"/> does.
    /// </summary>
    public int[] EncodeFramed(string text) =>
        [.. PrefixIds, .. Encode(text, parseSpecial: true), .. SuffixIds];

    /// <summary>The text of ids; bytes that are not UTF-8 become U+FFFD. Unknown ids decode to nothing.</summary>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecial) =>
        Encoding.UTF8.GetString(DecodeBytes(ids, skipSpecial));

    /// <summary>The exact bytes of ids, which need not be UTF-8 at the ends.</summary>
    public byte[] DecodeBytes(ReadOnlySpan<int> ids, bool skipSpecial)
    {
        var bytes = new ArrayBufferWriter<byte>(Math.Max(16, ids.Length * 4));
        var place = new DecodePlace();
        foreach (var id in ids)
        {
            bytes.Write(Next(id, skipSpecial, ref place));
        }

        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>The bytes of one token that is not the first of its text; empty for an unknown id.</summary>
    public ReadOnlyMemory<byte> Bytes(int id) => _bytes[id];

    public bool IsSpecial(int id) => _special.Contains(id);

    /// <summary>
    /// The id of an added token by its text, or of any token by its text in the file's byte alphabet.
    /// </summary>
    public int? IdOf(string token) => _ids.TryGetValue(token, out var id) ? id : null;

    /// <summary>A decoder for one answer that arrives token by token.</summary>
    public IncrementalDecoder NewDecoder(bool skipSpecial = true) => new(this, skipSpecial);

    /// <summary>What a token adds to a text that has come to <paramref name="place"/>.</summary>
    internal ReadOnlySpan<byte> Next(int id, bool skipSpecial, ref DecodePlace place)
    {
        if ((skipSpecial && IsSpecial(id)) || !_bytes.Has(id))
        {
            return default;
        }

        var bytes = (place.IsUnderWay ? _bytes : _firstBytes)[id].Span;
        place.IsUnderWay = true;
        if (place.IsStripped || _stripCount == 0)
        {
            return bytes;
        }

        var stripped = 0;
        while (stripped < bytes.Length && bytes[stripped] == _strippedByte && place.Stripped < _stripCount)
        {
            stripped++;
            place.Stripped++;
        }

        place.IsStripped = stripped < bytes.Length || place.Stripped == _stripCount;
        return bytes[stripped..];
    }

    /// <summary>Half a surrogate pair becomes U+FFFD, as it would in UTF-8.</summary>
    private static string Whole(string text)
    {
        for (var i = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF'); i >= 0 && i < text.Length; i++)
        {
            if (char.IsSurrogate(text[i]) && (i + 1 >= text.Length || !char.IsSurrogatePair(text[i], text[i + 1])))
            {
                return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
            }

            i += char.IsSurrogate(text[i]) ? 1 : 0;
        }

        return text;
    }

    /// <summary>
    /// A token as it is looked for in normalized text. What a changed one decodes to differs between versions of the
    /// reference library, which matters to nobody where the token is special and skipped.
    /// </summary>
    private AddedToken Normalized(AddedToken token)
    {
        var content = _normalizer.Apply(token.Content);
        return token.IsSpecial || content == token.Content || content == Composition.Compose(token.Content)
            ? token with { Content = content }
            : throw new TokenizerRefusal("added_tokens", $"token {token.Id}, which the normalizer changes,");
    }

    private int RequireId(string token) =>
        IdOf(token) ?? throw new TokenizerRefusal("special token", $"the unknown token '{token}'");

    private void EncodeNormalized(string text, bool isStart, bool parseSpecial, List<int> ids)
    {
        var normalized = _normalizer.Apply(text);
        if (_late.IsEmpty)
        {
            EncodeOrdinary(normalized, isStart, ids);
            return;
        }

        _late.Split(
            normalized, parseSpecial,
            range => EncodeOrdinary(normalized[range], isStart && range.Start.Value == 0, ids),
            token => ids.Add(token.Id));
    }

    private void EncodeOrdinary(string text, bool isStart, List<int> ids)
    {
        if (text.Length == 0)
        {
            return;
        }

        var pieces = _preTokenizer.Split(text, isStart);
        foreach (var range in pieces.Ranges)
        {
            _model.Encode(pieces.Text.AsSpan()[range], ids);
        }
    }
}
