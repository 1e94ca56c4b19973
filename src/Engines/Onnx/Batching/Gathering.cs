using System.Numerics;
using Microsoft.ML.OnnxRuntime;
using Souk.Engines.Onnx.Kv;

namespace Souk.Engines.Onnx.Batching;

/// <summary>
/// How many rows stay together before they are spread over further loops. A further loop takes a core that consumers
/// and the rest of the program would have, so it must make good use of it: where half as many rows take nearly as
/// long, most of what the core adds is the same fixed work done twice. Depends on the model and on the machine, so it
/// is measured at load.
/// </summary>
internal static class Gathering
{
    /// <summary>Halving a batch over two loops must make its steps this much faster, of 2 at most.</summary>
    private const double LeastGain = 1.5;

    private const int MostRows = 64;

    /// <summary>Positions held while it is measured: what a sequence of some length has, since copying them counts.
    /// </summary>
    private const int MostHeld = 256;

    /// <summary>Of several passes the fastest counts: others were disturbed by whatever else the machine does.
    /// </summary>
    private const int MostRounds = 24;

    private const int LeastRounds = 3;
    private static readonly TimeSpan Enough = TimeSpan.FromMilliseconds(400);

    /// <summary>Rows that stay together, a power of two.</summary>
    /// <param name="times">How long a pass over 1, 2, 4 and so on rows takes, in any unit.</param>
    public static int Find(ReadOnlySpan<double> times)
    {
        int doublings = 0;
        while (doublings + 1 < times.Length && times[doublings + 1] < times[doublings] * LeastGain)
        {
            doublings++;
        }

        return 1 << doublings;
    }

    /// <summary>Measures the model. Blocks for some passes.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="layout">What it understands: rows that cannot share a pass gain nothing from being together.
    /// </param>
    /// <param name="most">Greatest number of rows in a pass.</param>
    /// <param name="time">Measures.</param>
    public static int Measure(Decoder decoder, BatchLayout layout, int most, TimeProvider time)
    {
        if (layout == BatchLayout.Alone)
        {
            return 1;
        }

        using var pass = new Pass(decoder);
        using var options = new RunOptions();
        double[] times = new double[BitOperations.Log2((uint)Math.Min(most, MostRows)) + 1];
        Array.Fill(times, double.MaxValue);
        long start = time.GetTimestamp();
        for (int round = 0; round < MostRounds; round++)
        {
            // In turn, so that what disturbs one size for a while disturbs its neighbours as well.
            for (int i = 0; i < times.Length; i++)
            {
                times[i] = Math.Min(times[i], TimeOf(decoder, pass, options, 1 << i, time).TotalMicroseconds);
            }

            if (round + 1 >= LeastRounds && time.GetElapsedTime(start) > Enough)
            {
                break;
            }
        }

        return Find(times);
    }

    private static TimeSpan TimeOf(Decoder decoder, Pass pass, RunOptions options, int rows, TimeProvider time)
    {
        int width = Math.Clamp(decoder.Context / 4, 1, MostHeld);
        using var past = new KvBlock(decoder.Shape, rows, width);
        using var present = new KvBlock(decoder.Shape, rows, width + 1);
        pass.Prepare(rows, 1, width + 1);
        pass.Ids.Clear();
        pass.Positions.Fill(width);
        pass.Mask.Fill(1);
        for (int row = 0; row < rows; row++)
        {
            past.Clear(row, 0, width);
            present.Clear(row, 0, width + 1);
        }

        long start = time.GetTimestamp();
        pass.Run(past, present, options);
        return time.GetElapsedTime(start);
    }
}
