using System.Globalization;
using Souk.Protocol;

namespace Souk.Testbed.Chain;

public sealed partial class SimulatedChain
{
    private int _reorganisations;

    /// <summary>How many blocks can be replaced: all but the first.</summary>
    public int Depth => _blocks.Count - 1;

    /// <summary>
    /// Replaces the newest blocks by as many and one more. Their transactions are mined again where they were, or in a
    /// later block, or wait anew, or are gone for good; those of one sender keep their order.
    /// </summary>
    /// <param name="depth">How many blocks are replaced, 1 to <see cref="Depth"/>.</param>
    /// <param name="random">Decides what becomes of each transaction.</param>
    /// <param name="lost">The share of transactions that are gone for good.</param>
    public void Reorganise(int depth, SeededRandomness random, double lost = 0.05)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(depth >= 1 && depth <= Depth, true);
        ArgumentNullException.ThrowIfNull(random);
        _reorganisations++;
        var removed = _blocks.GetRange(_blocks.Count - depth, depth);
        _blocks.RemoveRange(_blocks.Count - depth, depth);
        _scheduler.Trace.Record("reorganisation", string.Create(CultureInfo.InvariantCulture, $"{depth}"));
        var again = Enumerable.Range(0, depth + 1).Select(_ => new List<Sent>()).ToArray();
        Dictionary<Address, int> latest = [];
        for (var i = 0; i < depth; i++)
        {
            foreach (var sent in removed[i].Transactions)
            {
                var place = Math.Max(i, latest.GetValueOrDefault(sent.Sender));
                var fate = random.NextDouble();
                if (fate < lost)
                {
                    continue;
                }

                place = fate < Math.Max(0.6, lost) ? place : place + 1 + random.NextBelow(4);
                latest[sent.Sender] = place;
                if (place <= depth)
                {
                    again[place].Add(sent);
                }
                else
                {
                    // Nobody waits for it any more: its sender was told when it was mined first.
                    _pending.Add(new Pending(sent.Sender, sent.Action)
                    {
                        NotBefore = removed[0].Head.Number + (ulong)place,
                    });
                }
            }
        }

        for (var i = 0; i <= depth; i++)
        {
            Append(i < depth ? removed[i].Head.Timestamp : Math.Max(Now, Newest.Timestamp), again[i]);
        }

        Tell();
    }
}
