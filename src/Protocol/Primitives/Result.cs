namespace Souk.Protocol;

/// <summary>Whose doing an expected failure is.</summary>
public enum Fault
{
    /// <summary>The other side sent or did something wrong; it may count against it.</summary>
    Theirs,

    /// <summary>We cannot do what was rightly asked.</summary>
    Ours,

    /// <summary>Circumstances: nothing that either side did.</summary>
    Nobody,
}

/// <summary>An expected failure.</summary>
/// <param name="Fault">Whose doing it is.</param>
/// <param name="Code">A stable snake_case word for programs.</param>
/// <param name="Message">A sentence for a person: what is wrong and what to do next.</param>
public sealed record Refusal(Fault Fault, string Code, string Message);

/// <summary>A value, or the refusal that took its place.</summary>
public readonly struct Result<T>
{
    private static readonly Refusal Unset =
        new(Fault.Ours, "result_unset", "A result was read that nothing was written to; this is a bug.");

    private readonly T _value;
    private readonly Refusal? _refusal;

    private Result(T value)
    {
        _value = value;
        IsOk = true;
    }

    private Result(Refusal refusal)
    {
        ArgumentNullException.ThrowIfNull(refusal);
        _value = default!;
        _refusal = refusal;
    }

    /// <summary>True when there is a value.</summary>
    public bool IsOk { get; }

    /// <summary>The value.</summary>
    /// <exception cref="InvalidOperationException">It was refused; look at <see cref="IsOk"/> first.</exception>
    public T Value => IsOk
        ? _value
        : throw new InvalidOperationException($"There is no value: {(_refusal ?? Unset).Message}");

    /// <summary>Why there is no value; null when there is one.</summary>
    public Refusal? Refusal => IsOk ? null : _refusal ?? Unset;

    /// <summary>The value or the refusal, whichever is there.</summary>
    public bool TryGet([System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out T value,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out Refusal? refusal)
    {
        value = _value;
        refusal = Refusal;
        return IsOk;
    }

    /// <summary>A value is a result.</summary>
    public static implicit operator Result<T>(T value) => new(value);

    /// <summary>A refusal is a result.</summary>
    public static implicit operator Result<T>(Refusal refusal) => new(refusal);
}
