using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Serialization;

namespace Souk.Protocol;

/// <summary>
/// Money in the currency's smallest units, as wide as the escrow's uint128. Arithmetic that would wrap or go below
/// zero throws, because such a sum is a broken invariant and never a peer's doing: peers' amounts are compared first.
/// </summary>
[JsonConverter(typeof(AmountConverter))]
public readonly record struct Amount(UInt128 Units) : IComparable<Amount>
{
    private const int MaxDecimals = 38;

    /// <summary>No money.</summary>
    public static Amount Zero => default;

    /// <summary>The most that a voucher can promise.</summary>
    public static Amount MaxValue => new(UInt128.MaxValue);

    /// <summary>True for no money.</summary>
    public bool IsZero => Units == 0;

    /// <summary>The larger of two amounts.</summary>
    public static Amount Max(Amount left, Amount right) => left.Units >= right.Units ? left : right;

    /// <summary>The smaller of two amounts.</summary>
    public static Amount Min(Amount left, Amount right) => left.Units <= right.Units ? left : right;

    /// <summary>Parses smallest units as ASCII decimal digits without sign, space or leading zero.</summary>
    /// <exception cref="FormatException">Anything else, or more than 128 bits.</exception>
    public static Amount Parse(string text) => TryParse(text, out var value)
        ? value
        : throw new FormatException("Expected an amount: decimal digits of the currency's smallest units.");

    /// <summary>Parses smallest units as ASCII decimal digits without sign, space or leading zero.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Amount value)
    {
        value = default;
        if (text is not { Length: > 0 and <= 39 } || text.AsSpan().ContainsAnyExceptInRange('0', '9')
            || (text.Length > 1 && text[0] == '0'))
        {
            return false;
        }

        if (!UInt128.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var units))
        {
            return false;
        }

        value = new Amount(units);
        return true;
    }

    /// <summary>Reads an exact decimal of the whole currency, such as "12.5".</summary>
    /// <param name="text">Digits with at most one point; no sign, exponent or group separators.</param>
    /// <param name="decimals">Decimal places of the currency, 0 to 38.</param>
    /// <exception cref="FormatException">Not such a decimal, finer than the smallest unit, or too large.</exception>
    public static Amount FromDecimal(string text, int decimals) => TryFromDecimal(text, decimals, out var value)
        ? value
        : throw new FormatException($"Expected a decimal amount with at most {decimals} decimal places.");

    /// <summary>As <see cref="FromDecimal"/>, without throwing on bad text.</summary>
    public static bool TryFromDecimal([NotNullWhen(true)] string? text, int decimals, out Amount value)
    {
        CheckDecimals(decimals);
        value = default;
        if (text is not { Length: > 0 and <= 80 })
        {
            return false;
        }

        var point = text.IndexOf('.', StringComparison.Ordinal);
        var whole = (point < 0 ? text : text[..point]).TrimStart('0');
        var fraction = point < 0 ? "" : text[(point + 1)..].TrimEnd('0');
        if (fraction.Length > decimals || (point >= 0 && (point == 0 || point == text.Length - 1)))
        {
            return false;
        }

        var digits = string.Concat(whole, fraction.PadRight(decimals, '0')).TrimStart('0');
        return TryParse(digits.Length == 0 ? "0" : digits, out value);
    }

    /// <summary>
    /// The exact decimal of the whole currency without trailing zeros: 1500000 with 6 decimals is "1.5".
    /// </summary>
    /// <param name="decimals">Decimal places of the currency, 0 to 38.</param>
    public string ToDecimal(int decimals)
    {
        CheckDecimals(decimals);
        var digits = ToString();
        if (decimals == 0)
        {
            return digits;
        }

        digits = digits.PadLeft(decimals + 1, '0');
        var fraction = digits[^decimals..].TrimEnd('0');
        return fraction.Length == 0 ? digits[..^decimals] : $"{digits[..^decimals]}.{fraction}";
    }

    /// <inheritdoc/>
    public int CompareTo(Amount other) => Units.CompareTo(other.Units);

    /// <summary>Smallest units as decimal digits.</summary>
    public override string ToString() => Units.ToString(CultureInfo.InvariantCulture);

    /// <summary>Sum.</summary>
    /// <exception cref="OverflowException">The sum needs more than 128 bits.</exception>
    public static Amount operator +(Amount left, Amount right) => new(checked(left.Units + right.Units));

    /// <summary>Difference.</summary>
    /// <exception cref="OverflowException">The right side is larger.</exception>
    public static Amount operator -(Amount left, Amount right) => new(checked(left.Units - right.Units));

    /// <summary>Sum; see the operator.</summary>
    public static Amount Add(Amount left, Amount right) => left + right;

    /// <summary>Difference; see the operator.</summary>
    public static Amount Subtract(Amount left, Amount right) => left - right;

    /// <summary>The difference, or zero where the right side is larger.</summary>
    public static Amount SubtractToZero(Amount left, Amount right) => left <= right ? Zero : left - right;

    /// <summary>Order by units.</summary>
    public static bool operator <(Amount left, Amount right) => left.Units < right.Units;

    /// <summary>Order by units.</summary>
    public static bool operator >(Amount left, Amount right) => left.Units > right.Units;

    /// <summary>Order by units.</summary>
    public static bool operator <=(Amount left, Amount right) => left.Units <= right.Units;

    /// <summary>Order by units.</summary>
    public static bool operator >=(Amount left, Amount right) => left.Units >= right.Units;

    private static void CheckDecimals(int decimals)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(decimals);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(decimals, MaxDecimals);
    }
}
