using Souk.OpenAi.Errors;

namespace Souk.OpenAi.Tokens;

/// <summary>Carries a refusal out of the loader; it never leaves <see cref="Tokenizer.Load"/>.</summary>
#pragma warning disable CA1032, CA1064 // Internal, and always thrown with what was refused.
internal sealed class TokenizerRefusal(string construct, string detail) : Exception
{
    internal ConstructRefused Refused { get; } = new(
        construct, 0, $"This tokenizer cannot be used: {construct}: {detail} is not supported here.");
}
#pragma warning restore CA1032, CA1064
