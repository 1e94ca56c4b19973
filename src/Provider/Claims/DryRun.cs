using Souk.Chain;
using Souk.Protocol;

namespace Souk.Provider.Claims;

/// <summary>What a dry run found. <paramref name="Unanswered"/> is set where no node, or no gas money, let it end:
/// then the rows that were not tried are in neither list.</summary>
internal sealed record Trial<T>(IReadOnlyList<T> Good, IReadOnlyList<(T Row, Refusal Why)> Bad, Refusal? Unanswered);

/// <summary>
/// Finds the rows that would revert, since one of them reverts a whole transaction: tries all at once, and halves what
/// reverts until each bad row stands alone. A batch of n with b bad rows takes about b x log2(n) tries, at most 2n.
/// </summary>
internal static class DryRun
{
    /// <summary>Parts rows into good and bad ones, each in the order given.</summary>
    /// <param name="rows">At least one.</param>
    /// <param name="tryAsync">Tries some of them in one transaction that is not sent; null where it would pass.</param>
    public static async Task<Trial<T>> SplitAsync<T>(
        IReadOnlyList<T> rows, Func<IReadOnlyList<T>, Task<Refusal?>> tryAsync)
    {
        List<T> good = [];
        List<(T Row, Refusal Why)> bad = [];
        var open = new Stack<(int Start, int Count)>([(0, rows.Count)]);
        while (open.TryPop(out var part))
        {
            List<T> tried = [.. rows.Skip(part.Start).Take(part.Count)];
            var refusal = await tryAsync(tried);
            if (refusal is null)
            {
                good.AddRange(tried);
            }
            else if (ChainRefusals.RevertName(refusal) is null)
            {
                return new Trial<T>(good, bad, refusal);
            }
            else if (part.Count == 1)
            {
                bad.Add((tried[0], refusal));
            }
            else
            {
                var half = part.Count / 2;
                open.Push((part.Start + half, part.Count - half));
                open.Push((part.Start, half));
            }
        }

        return new Trial<T>(good, bad, null);
    }
}
