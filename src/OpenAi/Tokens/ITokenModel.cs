namespace Souk.OpenAi.Tokens;

/// <summary>The model of a tokenizer: from one piece of text to ids. Immutable and safe for concurrent use.</summary>
internal interface ITokenModel
{
    /// <summary>Adds the ids of a non-empty piece in which no surrogate is alone.</summary>
    void Encode(ReadOnlySpan<char> piece, List<int> ids);
}
