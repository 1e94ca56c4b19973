namespace Souk.Bench.Engine;

internal static class Statistics
{
    public static double Median(IEnumerable<double> values) => Share(values, 0.5);

    /// <summary>The value below which a share of the values lies.</summary>
    public static double Share(IEnumerable<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        return sorted[(int)Math.Min(share * sorted.Length, sorted.Length - 1)];
    }

    /// <summary>The greatest mean that <paramref name="count"/> rare events do not contradict at a
    /// confidence.</summary>
    public static double PoissonUpper(long count, double confidence)
    {
        var (low, high) = ((double)count, (2.0 * count) + 50);
        for (int i = 0; i < 100; i++)
        {
            double mean = (low + high) / 2;
            double term = Math.Exp(-mean);
            double atMost = term;
            for (long k = 1; k <= count; k++)
            {
                term *= mean / k;
                atMost += term;
            }

            (low, high) = atMost > 1 - confidence ? (mean, high) : (low, mean);
        }

        return high;
    }
}
