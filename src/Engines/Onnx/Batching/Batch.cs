using Microsoft.ML.OnnxRuntime;
using Souk.Engines.Onnx.Kv;

namespace Souk.Engines.Onnx.Batching;

/// <summary>A sequence that is to join a batch, and where its keys and values are now.</summary>
internal readonly record struct Joiner(ChoiceRun Choice, KvBlock Source, int Row, int From, int Length);

/// <summary>
/// Sequences that decode in one pass. Who leaves is only forgotten: its row goes on with nothing to see until a
/// newcomer takes the place, or until the work wasted on it has grown to what copying the others together costs, so
/// that waste and copying stay in proportion. Not for concurrent use.
/// </summary>
internal sealed class Batch : IDisposable
{
    /// <summary>Room to grow that new memory comes with, in positions.</summary>
    private const int Slack = 64;

    private readonly Decoder decoder;
    private readonly BatchLayout layout;
    private readonly long rowCost;
    private readonly List<ChoiceRun?> choices = [];
    private readonly List<int> lengths = [];
    private KvBlock held;
    private KvBlock spare;
    private long wasted;

    /// <param name="decoder">The model.</param>
    /// <param name="layout">Not <see cref="BatchLayout.Alone"/> where more than one row will join.</param>
    /// <param name="rowCost">What a row costs beside its keys and values, in positions.</param>
    public Batch(Decoder decoder, BatchLayout layout, long rowCost)
    {
        this.decoder = decoder;
        this.layout = layout;
        this.rowCost = rowCost;
        held = new KvBlock(decoder.Shape, 0, 0);
        spare = new KvBlock(decoder.Shape, 0, 0);
    }

    /// <summary>Rows, those left empty included.</summary>
    public int Rows => choices.Count;

    /// <summary>Rows in use.</summary>
    public int Live { get; private set; }

    /// <summary>Positions of the longest row in use.</summary>
    public int Longest { get; private set; }

    /// <summary>Positions of all rows in use together.</summary>
    public long Real { get; private set; }

    /// <summary>Who is in a row; null when it is empty.</summary>
    public ChoiceRun? this[int row] => choices[row];

    /// <summary>Takes sequences in: into empty rows where they fit, or else by copying all together anew.</summary>
    public void Join(ReadOnlySpan<Joiner> joiners)
    {
        bool fits = Live > 0 && choices.Count - Live >= joiners.Length;
        foreach (var joiner in joiners)
        {
            fits &= joiner.Length <= held.Width;
        }

        if (!fits)
        {
            Regroup(joiners);
            return;
        }

        int row = 0;
        foreach (var joiner in joiners)
        {
            for (; choices[row] is not null; row++)
            {
            }

            Place(held, row, joiner);
            choices[row] = joiner.Choice;
            lengths[row] = joiner.Length;
            joiner.Choice.Row = row;
        }

        Measure();
    }

    /// <summary>Forgets a row.</summary>
    public void Leave(int row)
    {
        choices[row] = null;
        lengths[row] = 0;
        Measure();
    }

    /// <summary>A row's keys and values in a block of their own.</summary>
    public KvBlock Extract(int row)
    {
        var block = new KvBlock(decoder.Shape, 1, lengths[row]);
        held.CopyTo(block, row, Start(held.Width, lengths[row]), 0, 0, lengths[row]);
        return block;
    }

    /// <summary>Every sequence of this batch as a newcomer to another.</summary>
    public IEnumerable<Joiner> AsJoiners()
    {
        for (int row = 0; row < choices.Count; row++)
        {
            if (choices[row] is { } choice)
            {
                yield return new Joiner(choice, held, row, Start(held.Width, lengths[row]), lengths[row]);
            }
        }
    }

    /// <summary>One token for every row: feeds each row's last token and leaves the logits in
    /// <paramref name="pass"/>.</summary>
    public void Step(Pass pass, RunOptions options)
    {
        wasted += ((choices.Count - Live) * (held.Width + rowCost)) + ((long)Live * (held.Width - Longest));
        if (wasted > Real + rowCost || held.Width >= decoder.Context)
        {
            Regroup([]);
        }

        int width = held.Width;
        pass.Prepare(choices.Count, 1, width + 1);
        Fill(pass, width);
        if (!spare.TryReshape(choices.Count, width + 1))
        {
            spare.Dispose();
            spare = Allocate(choices.Count, width + 1);
        }

        pass.Run(held, spare, options);
        (held, spare) = (spare, held);
        for (int row = 0; row < lengths.Count; row++)
        {
            lengths[row] += choices[row] is null ? 0 : 1;
        }

        Longest++;
        Real += Live;
    }

    public void Dispose()
    {
        held.Dispose();
        spare.Dispose();
    }

    private void Fill(Pass pass, int width)
    {
        var ids = pass.Ids;
        var positions = pass.Positions;
        var mask = pass.Mask;
        for (int row = 0; row < choices.Count; row++)
        {
            // An empty row sees nothing but its own new token.
            ids[row] = choices[row]?.Last ?? 0;
            positions[row] = lengths[row];
            var places = mask.Slice(row * (width + 1), width + 1);
            int start = Start(width, lengths[row]);
            places[..start].Clear();
            places.Slice(start, lengths[row] + 1).Fill(1);
            places[(start + lengths[row] + 1)..].Clear();
        }
    }

    private void Regroup(ReadOnlySpan<Joiner> joiners)
    {
        List<Joiner> all = [.. AsJoiners(), .. joiners];
        int width = all.Max(joiner => joiner.Length);
        if (!spare.TryReshape(all.Count, width))
        {
            spare.Dispose();
            spare = Allocate(all.Count, width);
        }

        choices.Clear();
        lengths.Clear();
        foreach (var joiner in all)
        {
            joiner.Choice.Row = choices.Count;
            Place(spare, choices.Count, joiner);
            choices.Add(joiner.Choice);
            lengths.Add(joiner.Length);
        }

        (held, spare) = (spare, held);
        wasted = 0;
        Measure();
    }

    private void Place(KvBlock target, int row, Joiner joiner)
    {
        int start = Start(target.Width, joiner.Length);
        target.Clear(row, 0, start);
        joiner.Source.CopyTo(target, joiner.Row, joiner.From, row, start, joiner.Length);
        target.Clear(row, start + joiner.Length, target.Width - start - joiner.Length);
    }

    private void Measure()
    {
        (Live, Longest, Real) = (0, 0, 0);
        for (int row = 0; row < choices.Count; row++)
        {
            if (choices[row] is not null)
            {
                Live++;
                Longest = Math.Max(Longest, lengths[row]);
                Real += lengths[row];
            }
        }
    }

    private int Start(int width, int length) => layout == BatchLayout.Left ? width - length : 0;

    private KvBlock Allocate(int rows, int width) =>
        new(decoder.Shape, rows, width, (long)rows * Math.Min(width + (width / 4) + Slack, decoder.Context + 1));
}
