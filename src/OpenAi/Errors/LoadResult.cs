using System.Diagnostics.CodeAnalysis;

namespace Souk.OpenAi.Errors;

/// <summary>
/// Why a model's tokenizer or chat template cannot be used: it needs a construct that this library does not implement.
/// Refusing at load is deliberate, since a prompt that is rendered or counted wrongly would cost somebody money.
/// </summary>
/// <param name="Construct">The construct by its own name, for example <c>pre_tokenizer Metaspace</c>.</param>
/// <param name="Line">One-based line in the template; 0 where lines mean nothing.</param>
/// <param name="Message">A sentence for the person who loads the model.</param>
public sealed record ConstructRefused(string Construct, int Line, string Message);

/// <summary>A loaded tokenizer or template, or the construct that was refused.</summary>
public readonly struct LoadResult<T>
    where T : class
{
    private readonly T? _value;

    public LoadResult(T value)
    {
        _value = value;
        Refused = null;
    }

    public LoadResult(ConstructRefused refused)
    {
        ArgumentNullException.ThrowIfNull(refused);
        _value = null;
        Refused = refused;
    }

    public ConstructRefused? Refused { get; }

    [MemberNotNullWhen(false, nameof(Refused))]
    public bool IsOk => Refused is null;

    public T Value => IsOk
        ? _value!
        : throw new InvalidOperationException($"Reading a value that was refused: {Refused.Message}");

#pragma warning disable CA2225 // The constructors are the named alternates.
    public static implicit operator LoadResult<T>(T value) => new(value);

    public static implicit operator LoadResult<T>(ConstructRefused refused) => new(refused);
#pragma warning restore CA2225
}
