namespace Souk.Engines.Onnx.Batching;

/// <summary>
/// The batches of one engine thread. One is best, since every pass reads all weights; but rows of a batch are as wide
/// as the longest, so sequences are split over several where padding would outweigh both what it pads and the weights
/// that another pass reads. Not for concurrent use.
/// </summary>
internal sealed class BatchSet
{
    /// <summary>A padded position is read, written, and read again, so it costs about four times its size.</summary>
    private const int PositionPasses = 4;

    private readonly Decoder decoder;
    private readonly BatchLayout layout;
    private readonly int mostRows;
    private readonly long passCost;
    private readonly List<Batch> batches = [];
    private readonly List<Joiner> arriving = [];
    private readonly List<IDisposable> sources = [];

    /// <param name="decoder">The model.</param>
    /// <param name="layout">What the model understands.</param>
    /// <param name="mostRows">Greatest number of sequences in one pass.</param>
    /// <param name="weightBytes">Size of the weights that a pass reads.</param>
    public BatchSet(Decoder decoder, BatchLayout layout, int mostRows, long weightBytes)
    {
        this.decoder = decoder;
        this.layout = layout;
        this.mostRows = mostRows;
        passCost = weightBytes / (decoder.Shape.KvBytesPerToken * PositionPasses);
    }

    public IReadOnlyList<Batch> Batches => batches;

    /// <summary>A sequence to be taken in by the next <see cref="Settle"/>, until which its keys and values must
    /// last.</summary>
    public void Add(Joiner joiner, bool isOwned)
    {
        arriving.Add(joiner);
        if (isOwned)
        {
            sources.Add(joiner.Source);
        }
    }

    /// <summary>Takes newcomers in, drops empty batches and puts together what can be.</summary>
    public void Settle()
    {
        for (int i = batches.Count - 1; i >= 0; i--)
        {
            if (batches[i].Live == 0 && (arriving.Count == 0 || batches.Count > 1))
            {
                batches[i].Dispose();
                batches.RemoveAt(i);
            }
        }

        if (arriving.Count > 0)
        {
            Place();
        }

        for (int i = batches.Count - 1; i > 0; i--)
        {
            Merge(i);
        }
    }

    /// <summary>Drops everything.</summary>
    public void Clear()
    {
        batches.ForEach(batch => batch.Dispose());
        sources.ForEach(source => source.Dispose());
        batches.Clear();
        sources.Clear();
        arriving.Clear();
    }

    private void Place()
    {
        // The longest first, so that each later one only widens a batch by its own row.
        foreach (var group in arriving.OrderByDescending(joiner => joiner.Length)
            .GroupBy(joiner => (joiner.Length, joiner.Choice.Request)))
        {
            var left = group.ToList();
            while (left.Count > 0)
            {
                var batch = batches.Find(candidate => Fits(candidate, group.Key.Length, 1)) ?? Open();
                int count = Math.Min(left.Count, layout == BatchLayout.Alone ? 1 : mostRows - batch.Live);
                var joining = left.Take(count).ToArray();
                batch.Join(joining);
                foreach (var joiner in joining)
                {
                    joiner.Choice.Batch = batch;
                }

                left.RemoveRange(0, count);
            }
        }

        arriving.Clear();
        sources.ForEach(source => source.Dispose());
        sources.Clear();
    }

    private void Merge(int index)
    {
        var small = batches[index];
        var target = batches.Take(index).FirstOrDefault(other => Fits(other, small.Longest, small.Live, small.Real));
        if (target is null || small.Live == 0)
        {
            return;
        }

        var moving = small.AsJoiners().ToArray();
        target.Join(moving);
        foreach (var joiner in moving)
        {
            joiner.Choice.Batch = target;
        }

        small.Dispose();
        batches.RemoveAt(index);
    }

    private bool Fits(Batch batch, int length, int rows) => Fits(batch, length, rows, (long)length * rows);

    private bool Fits(Batch batch, int longest, int rows, long positions)
    {
        if (batch.Live == 0)
        {
            return true;
        }

        int live = batch.Live + rows;
        long real = batch.Real + positions;
        long padding = ((long)live * Math.Max(batch.Longest, longest)) - real;
        return layout != BatchLayout.Alone && live <= mostRows && padding <= Math.Max(real, passCost);
    }

    private Batch Open()
    {
        // A row's share of the arithmetic, beside what it reads: small against a pass, dear against a position.
        var batch = new Batch(decoder, layout, passCost / 8);
        batches.Add(batch);
        return batch;
    }
}
