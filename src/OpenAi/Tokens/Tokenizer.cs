using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Tokens;

/// <summary>
/// A byte-level BPE tokenizer as Hugging Face's <c>tokenizer.json</c> describes it. Immutable and safe for concurrent
/// use. A file that needs anything else is refused at load with the construct named.
/// </summary>
public sealed partial class Tokenizer
{
    /// <summary>
    /// Loads a tokenizer. <paramref name="tokenizerConfig"/> (tokenizer_config.json) names the beginning and end tokens
    /// and may hold the chat template; <paramref name="generationConfig"/> (generation_config.json) may name more end
    /// tokens.
    /// </summary>
    public static LoadResult<Tokenizer> Load(
        ReadOnlyMemory<byte> tokenizerJson,
        ReadOnlyMemory<byte> tokenizerConfig = default,
        ReadOnlyMemory<byte> generationConfig = default) => throw new NotImplementedException();

    /// <summary>One more than the greatest id.</summary>
    public int VocabularySize { get; }

    /// <summary>Ids that end an answer, ascending; empty where no file names one.</summary>
    public IReadOnlyList<int> EosIds { get; } = [];

    /// <summary>The text of the beginning-of-sequence token, or null.</summary>
    public string? BosToken { get; }

    public string? EosToken { get; }

    /// <summary>The chat template that tokenizer_config.json carries, or null.</summary>
    public string? ChatTemplateSource { get; }

    /// <summary>
    /// Ids of a text. With <paramref name="parseSpecial"/> the texts of special tokens become their ids, as chat
    /// templates need; without, they are ordinary text. Nothing is added in front or behind.
    /// </summary>
    public int[] Encode(string text, bool parseSpecial) => throw new NotImplementedException();

    /// <summary>The text of ids; bytes that are not UTF-8 become U+FFFD. Unknown ids decode to nothing.</summary>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecial) => throw new NotImplementedException();

    /// <summary>The exact bytes of ids, which need not be UTF-8 at the ends.</summary>
    public byte[] DecodeBytes(ReadOnlySpan<int> ids, bool skipSpecial) => throw new NotImplementedException();

    /// <summary>The exact bytes of one token; empty for an unknown id.</summary>
    public ReadOnlyMemory<byte> Bytes(int id) => throw new NotImplementedException();

    public bool IsSpecial(int id) => throw new NotImplementedException();

    /// <summary>The id of a token by its text (a special token's text, or ordinary text that is one token).</summary>
    public int? IdOf(string text) => throw new NotImplementedException();

    /// <summary>A decoder for one answer that arrives token by token.</summary>
    public IncrementalDecoder NewDecoder(bool skipSpecial = true) => new(this, skipSpecial);
}
