using System.Globalization;
using System.Numerics;

namespace Souk.Engines.Grammar;

/// <summary>What a schema says about a number. Bounds are exact decimals.</summary>
internal sealed record NumberBounds(bool IsInteger)
{
    public DecimalText? Least { get; init; }

    public bool ExcludesLeast { get; init; }

    public DecimalText? Most { get; init; }

    public bool ExcludesMost { get; init; }

    public DecimalText? MultipleOf { get; init; }
}

/// <summary>A decimal as digits, since a double would round what a schema says.</summary>
/// <param name="Whole">Digits before the point without leading zeros, at least one.</param>
/// <param name="Fraction">Digits behind the point without trailing zeros.</param>
internal sealed record DecimalText(bool IsNegative, string Whole, string Fraction)
{
    private const int MostDigits = 40;

    public static DecimalText Zero { get; } = new(false, "0", "");

    public bool IsZero => Whole == "0" && Fraction.Length == 0;

    public DecimalText Negated => this with { IsNegative = !IsNegative && !IsZero };

    /// <summary>Reads a JSON number.</summary>
    /// <exception cref="GrammarRefusal">It has more digits than any use.</exception>
    public static DecimalText Parse(string json, string keyword)
    {
        bool isNegative = json.StartsWith('-');
        string rest = isNegative ? json[1..] : json;
        int exponent = 0;
        if (rest.IndexOfAny(['e', 'E']) is >= 0 and int at)
        {
            if (!int.TryParse(rest.AsSpan(at + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture,
                    out exponent) || Math.Abs(exponent) > MostDigits)
            {
                throw new GrammarRefusal($"'{keyword}' is a number of too many digits.");
            }

            rest = rest[..at];
        }

        int point = rest.IndexOf('.', StringComparison.Ordinal);
        string digits = point < 0 ? rest : rest[..point] + rest[(point + 1)..];
        int whole = (point < 0 ? rest.Length : point) + exponent;
        if (digits.Length > MostDigits)
        {
            throw new GrammarRefusal($"'{keyword}' is a number of too many digits.");
        }

        digits = whole < 0 ? new string('0', -whole) + digits : digits.PadRight(Math.Max(whole, 0), '0');
        whole = Math.Max(whole, 0);
        string before = digits[..whole].TrimStart('0');
        var read = new DecimalText(isNegative, before.Length == 0 ? "0" : before, digits[whole..].TrimEnd('0'));
        return read.IsZero ? Zero : read;
    }
}

/// <summary>Automata of the JSON numbers within bounds. Numbers have at most <see cref="MostDigits"/> digits, so that
/// they always end, and that a reader who holds them as doubles finds them within the same bounds.</summary>
internal static class NumberAutomaton
{
    private const int MostDigits = 15;
    private const int GreatestDivisor = 10_000;

    public static ByteAutomaton Of(NumberBounds bounds, WorkMeter meter)
    {
        var divisor = Divisor.Of(bounds.MultipleOf);
        int fraction = bounds.IsInteger ? 0 : Math.Min(divisor.Scale ?? MostDigits, MostDigits);
        bool isPlain = bounds is { Least: null, Most: null, MultipleOf: null, IsInteger: false };
        var rules = new Rules(
            Magnitude.Of(bounds.Least, bounds.ExcludesLeast, bounds.Most, bounds.ExcludesMost),
            Magnitude.Of(bounds.Most?.Negated, bounds.ExcludesMost, bounds.Least?.Negated, bounds.ExcludesLeast),
            divisor, fraction, isPlain, bounds.IsInteger);
        return ByteAutomaton.Explore(new Place(Stage.Start), rules.Step, rules.Accepts, meter);
    }

    private enum Stage
    {
        Start,
        Sign,
        Whole,
        Point,
        Fraction,
        Mark,
        MarkSign,
        Exponent,
    }

    /// <summary>A place inside a number.</summary>
    /// <param name="Digits">Digits read in this stage.</param>
    /// <param name="All">Digits read in all.</param>
    /// <param name="Low">How what was read compares with the lower bound: below, as far as it goes equal, above.
    /// </param>
    /// <param name="High">The same for the upper bound.</param>
    /// <param name="Rest">All digits as one integer, modulo the divisor.</param>
    private readonly record struct Place(
        Stage Stage, bool IsNegative = false, bool IsZero = false, int Digits = 0, int All = 0, int Low = 0,
        int High = 0, int Rest = 0);

    /// <summary>Divisor / 10^Scale.</summary>
    private sealed record Divisor(int Value, int? Scale)
    {
        public static Divisor Of(DecimalText? multiple)
        {
            if (multiple is null)
            {
                return new Divisor(1, null);
            }

            if (multiple.IsZero || multiple.IsNegative)
            {
                throw new GrammarRefusal("'multipleOf' must be above 0.");
            }

            var value = BigInteger.Parse(multiple.Whole + multiple.Fraction, CultureInfo.InvariantCulture);
            return value <= GreatestDivisor && multiple.Fraction.Length <= MostDigits
                ? new Divisor((int)value, multiple.Fraction.Length)
                : throw new GrammarRefusal($"'multipleOf' may have the digits of a number up to {GreatestDivisor}.");
        }
    }

    /// <summary>Bounds of a number without its sign; no bounds at all mean that there is no such number.</summary>
    private sealed record Magnitude(DecimalText? Least, bool ExcludesLeast, DecimalText? Most, bool ExcludesMost)
    {
        /// <summary>The part of a range that is not below zero, or null.</summary>
        public static Magnitude? Of(DecimalText? least, bool excludesLeast, DecimalText? most, bool excludesMost)
        {
            if (most is { IsNegative: true })
            {
                return null;
            }

            return least is null or { IsNegative: true }
                ? new Magnitude(null, false, most, excludesMost)
                : new Magnitude(least, excludesLeast, most, excludesMost);
        }
    }

    private sealed class Rules(
        Magnitude? positive, Magnitude? negative, Divisor divisor, int fraction, bool hasExponent, bool isInteger)
    {
        public Place? Step(Place at, byte value) => value switch
        {
            (byte)'-' when at.Stage == Stage.Start && negative is not null =>
                new Place(Stage.Sign, IsNegative: true),
            (byte)'.' when at.Stage == Stage.Whole && fraction > 0 => Point(at),
            (byte)'e' or (byte)'E' when hasExponent && at.Stage is Stage.Whole or Stage.Fraction =>
                new Place(Stage.Mark),
            (byte)'+' or (byte)'-' when at.Stage == Stage.Mark => new Place(Stage.MarkSign),
            >= (byte)'0' and <= (byte)'9' => Digit(at, value - '0'),
            _ => null,
        };

        public bool Accepts(Place at) => at.Stage switch
        {
            Stage.Whole => Point(at) is { } point && EndsWithin(point with { Digits = 0 }),
            Stage.Fraction => EndsWithin(at),
            Stage.Exponent => true,
            _ => false,
        };

        private Magnitude? Bounds(Place at) => at.IsNegative ? negative : positive;

        private Place? Digit(Place at, int digit)
        {
            switch (at.Stage)
            {
                case Stage.Start or Stage.Sign when Bounds(at) is { } bounds:
                    bool isMinusZero = at.IsNegative && digit == 0 && isInteger;
                    return isMinusZero ? null : Whole(at with { Stage = Stage.Whole }, bounds, digit);
                case Stage.Whole when !at.IsZero && at.All < MostDigits:
                    return Whole(at, Bounds(at)!, digit);
                case Stage.Point or Stage.Fraction when at.Digits < fraction && at.All < MostDigits:
                    return Fraction(at, Bounds(at)!, digit);
                case Stage.Mark or Stage.MarkSign:
                    return new Place(Stage.Exponent, Digits: 1);
                case Stage.Exponent when at.Digits < 2:
                    return at with { Digits = at.Digits + 1 };
                default:
                    return null;
            }
        }

        private Place Whole(Place at, Magnitude bounds, int digit) => at with
        {
            IsZero = at.Digits == 0 && digit == 0,
            Digits = at.Digits + 1,
            All = at.All + 1,
            Low = Compare(at.Low, bounds.Least?.Whole, at.Digits, digit),
            High = Compare(at.High, bounds.Most?.Whole, at.Digits, digit),
            Rest = ((at.Rest * 10) + digit) % divisor.Value,
        };

        // Behind the last digit before the point the lengths decide, then the digits.
        private Place? Point(Place at)
        {
            var bounds = Bounds(at)!;
            int low = Settle(at, bounds.Least?.Whole, at.Low);
            int high = Settle(at, bounds.Most?.Whole, at.High);
            return (bounds.Least is not null && low < 0) || (bounds.Most is not null && high > 0)
                ? null
                : at with { Stage = Stage.Point, Digits = 0, IsZero = false, Low = low, High = high };
        }

        private Place? Fraction(Place at, Magnitude bounds, int digit)
        {
            int low = CompareFraction(at.Low, bounds.Least?.Fraction, at.Digits, digit);
            int high = CompareFraction(at.High, bounds.Most?.Fraction, at.Digits, digit);
            return (bounds.Least is not null && low < 0) || (bounds.Most is not null && high > 0)
                ? null
                : at with
                {
                    Stage = Stage.Fraction,
                    Digits = at.Digits + 1,
                    All = at.All + 1,
                    Low = low,
                    High = high,
                    Rest = ((at.Rest * 10) + digit) % divisor.Value,
                };
        }

        private bool EndsWithin(Place at)
        {
            var bounds = Bounds(at)!;
            int rest = at.Rest;
            for (int digit = at.Digits; digit < (divisor.Scale ?? 0); digit++)
            {
                rest = rest * 10 % divisor.Value;
            }

            if (rest != 0)
            {
                return false;
            }

            bool isLow = bounds.Least is { } least && at.Low == 0;
            bool isHigh = bounds.Most is { } most && at.High == 0;
            return !(isLow && (bounds.Least!.Fraction.Length > at.Digits || bounds.ExcludesLeast))
                && !(isHigh && bounds.Most!.Fraction.Length <= at.Digits && bounds.ExcludesMost);
        }

        private static int Compare(int sofar, string? bound, int position, int digit) =>
            sofar != 0 || bound is null || position >= bound.Length
                ? sofar : digit.CompareTo(bound[position] - '0');

        private static int CompareFraction(int sofar, string? bound, int position, int digit) =>
            sofar != 0 || bound is null
                ? sofar : digit.CompareTo(position < bound.Length ? bound[position] - '0' : 0);

        private static int Settle(Place at, string? bound, int sofar) =>
            bound is null || at.Digits == bound.Length ? sofar : at.Digits.CompareTo(bound.Length);
    }
}
