using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Souk.Protocol;

/// <summary>
/// Work on a whole vocabulary, eight scores at a time. Every score goes through the same IEEE 754 operations in the
/// same order as one by one, so the bits are the same on every machine; the runtime takes vectors apart where a
/// processor has none of that width. Buffers of scores are <see cref="Padded"/> with minus infinity, which picks
/// nothing.
/// </summary>
internal static class Lanes
{
    /// <summary>Scores of a row.</summary>
    public const int Width = 8;

    /// <summary>A length that <paramref name="count"/> scores fit into and that eight divides.</summary>
    public static int Padded(int count) => (count + Width - 1) / Width * Width;

    /// <summary>The eight scores of each row.</summary>
    public static ReadOnlySpan<Vector512<double>> Rows(ReadOnlySpan<double> scores) =>
        MemoryMarshal.Cast<double, Vector512<double>>(scores);

    /// <summary>The ids of a row's tokens.</summary>
    public static Vector512<ulong> Ids(int row) =>
        Vector512.Create((ulong)(row * Width)) + Vector512.Create(0UL, 1, 2, 3, 4, 5, 6, 7);

    /// <summary>Index of a score, from its row and the lowest bit set among a row's eight.</summary>
    public static int Index(int row, ulong lanes) => (row * Width) + BitOperations.TrailingZeroCount(lanes);

    /// <summary>Index of the greatest, of equals the lowest; that of the first which is no number, if there is one; -1
    /// when all are minus infinity.</summary>
    public static int Greatest<T>(ReadOnlySpan<T> values)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var rows = MemoryMarshal.Cast<T, Vector512<T>>(values);
        var greatest = Vector512.Create(T.NegativeInfinity);
        var areNone = Vector512<T>.Zero;
        foreach (var row in rows)
        {
            greatest = Vector512.MaxNative(greatest, row);
            areNone |= ~Vector512.Equals(row, row);
        }

        var best = T.NegativeInfinity;
        var hasNone = areNone.ExtractMostSignificantBits() != 0;
        for (var lane = 0; lane < Vector512<T>.Count; lane++)
        {
            best = greatest[lane] > best ? greatest[lane] : best;
        }

        foreach (var value in values[(rows.Length * Vector512<T>.Count)..])
        {
            best = value > best ? value : best;
            hasNone |= T.IsNaN(value);
        }

        return hasNone ? First(values, T.NaN) : T.IsNegativeInfinity(best) ? -1 : First(values, best);
    }

    /// <summary>Logits as doubles, minus infinity after them.</summary>
    public static void Widen(ReadOnlySpan<float> logits, Span<double> scores)
    {
        var rows = MemoryMarshal.Cast<double, Vector512<double>>(scores);
        var eights = MemoryMarshal.Cast<float, Vector256<float>>(logits);
        for (var i = 0; i < eights.Length; i++)
        {
            rows[i] = Vector512.Create(Vector256.WidenLower(eights[i]), Vector256.WidenUpper(eights[i]));
        }

        for (var v = eights.Length * Width; v < scores.Length; v++)
        {
            scores[v] = v < logits.Length ? logits[v] : double.NegativeInfinity;
        }
    }

    /// <summary>Divides every score.</summary>
    public static void Divide(Span<double> scores, double divisor)
    {
        foreach (ref var row in MemoryMarshal.Cast<double, Vector512<double>>(scores))
        {
            row /= divisor;
        }
    }

    private static int First<T>(ReadOnlySpan<T> values, T wanted)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var isNone = T.IsNaN(wanted);
        var rows = MemoryMarshal.Cast<T, Vector512<T>>(values);
        for (var i = 0; i < rows.Length; i++)
        {
            var found = isNone ? ~Vector512.Equals(rows[i], rows[i])
                : Vector512.Equals(rows[i], Vector512.Create(wanted));
            if (found.ExtractMostSignificantBits() is var lanes and not 0)
            {
                return (i * Vector512<T>.Count) + BitOperations.TrailingZeroCount(lanes);
            }
        }

        var next = rows.Length * Vector512<T>.Count;
        while (isNone ? !T.IsNaN(values[next]) : values[next] != wanted)
        {
            next++;
        }

        return next;
    }
}
