using System.Globalization;

namespace Souk.Ledger.Customer;

/// <summary>A day in UTC, by its number since 1970-01-01.</summary>
public readonly record struct UtcDay(ulong Number) : IComparable<UtcDay>
{
    private const ulong Milliseconds = 86_400_000;
    private const string Form = "yyyy-MM-dd";
    private static readonly int Epoch = new DateOnly(1970, 1, 1).DayNumber;

    /// <summary>The first millisecond (Unix) of the day after.</summary>
    public ulong EndMs => (Number + 1) * Milliseconds;

    /// <summary>The day of a time in Unix milliseconds.</summary>
    public static UtcDay Of(ulong unixMs) => new(unixMs / Milliseconds);

    /// <summary>The later one.</summary>
    public static UtcDay Later(UtcDay left, UtcDay right) => left >= right ? left : right;

    /// <summary>Reads <c>2026-11-24</c>.</summary>
    public static bool TryParse(string? text, out UtcDay day)
    {
        var isDate = DateOnly.TryParseExact(
            text, Form, CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) && date.DayNumber >= Epoch;
        day = isDate ? new UtcDay((ulong)(date.DayNumber - Epoch)) : default;
        return isDate;
    }

    /// <inheritdoc/>
    public int CompareTo(UtcDay other) => Number.CompareTo(other.Number);

    /// <summary>As <c>2026-11-24</c>.</summary>
    public override string ToString() => DateOnly.FromDayNumber(
        (int)Math.Min(Number + (ulong)Epoch, (ulong)DateOnly.MaxValue.DayNumber))
        .ToString(Form, CultureInfo.InvariantCulture);

    public static bool operator <(UtcDay left, UtcDay right) => left.Number < right.Number;

    public static bool operator >(UtcDay left, UtcDay right) => left.Number > right.Number;

    public static bool operator <=(UtcDay left, UtcDay right) => left.Number <= right.Number;

    public static bool operator >=(UtcDay left, UtcDay right) => left.Number >= right.Number;
}
