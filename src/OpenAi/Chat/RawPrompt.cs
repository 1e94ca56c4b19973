namespace Souk.OpenAi.Chat;

/// <summary>A prompt without roles: a text, or the token ids that the app made of it. Exactly one of the two is
/// set.</summary>
public sealed record RawPrompt
{
    public RawPrompt(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        Text = text;
    }

    public RawPrompt(IReadOnlyList<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        Ids = ids;
    }

    public string? Text { get; }

    /// <summary>None is negative; whether the model has them all is for its tokenizer to say.</summary>
    public IReadOnlyList<int>? Ids { get; }
}
