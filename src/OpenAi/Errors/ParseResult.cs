using System.Diagnostics.CodeAnalysis;

namespace Souk.OpenAi.Errors;

/// <summary>A parsed value, or the error to answer with. The value of a failed result must not be read.</summary>
public readonly struct ParseResult<T>
{
    private readonly T? _value;

    public ParseResult(T value)
    {
        _value = value;
        Error = null;
    }

    public ParseResult(OpenAiError error)
    {
        ArgumentNullException.ThrowIfNull(error);
        _value = default;
        Error = error;
    }

    public OpenAiError? Error { get; }

    [MemberNotNullWhen(false, nameof(Error))]
    public bool IsOk => Error is null;

    public T Value => IsOk
        ? _value!
        : throw new InvalidOperationException($"Reading the value of a failed parse: {Error.Message}");

#pragma warning disable CA2225 // The constructors are the named alternates.
    public static implicit operator ParseResult<T>(T value) => new(value);

    public static implicit operator ParseResult<T>(OpenAiError error) => new(error);
#pragma warning restore CA2225
}
