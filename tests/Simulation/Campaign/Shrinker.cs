using Souk.Simulation.World;

namespace Souk.Simulation.Campaign;

/// <summary>
/// Finds the least of a failing script that still fails in the same way: kinds of trouble first, then single events,
/// then what apps do, each left out in halves, then in smaller parts.
/// </summary>
internal static class Shrinker
{
    private const int MostRuns = 150;

    /// <summary>What can be left out of a seed's script while its violation stays.</summary>
    public static Omissions Shrink(ulong seed, string violation, Func<Script, Fate>? live = null)
    {
        var lives = live ?? MarketLife.Live;
        var runs = 0;
        bool Fails(Omissions omitted) => runs++ < MostRuns && lives(Script.Of(seed, omitted)).Violation == violation;
        var least = Omissions.None;
        var whole = Script.Of(seed, least);
        least = least with
        {
            Kinds = Leave(whole.Rates.Order().ToList(), some => Fails(least with { Kinds = some })),
        };
        var left = Script.Of(seed, least);
        least = least with
        {
            Events = Leave(left.Events.Select(one => one.Number).ToList(), some => Fails(least with { Events = some })),
        };
        return least with
        {
            Acts = Leave(left.Acts.Select(act => act.Number).ToList(), some => Fails(least with { Acts = some })),
        };
    }

    private static HashSet<T> Leave<T>(List<T> all, Func<HashSet<T>, bool> stillFails)
    {
        HashSet<T> omitted = [];
        for (var size = all.Count; size >= 1; size /= 2)
        {
            foreach (var part in all.Where(item => !omitted.Contains(item)).ToList().Chunk(size))
            {
                HashSet<T> more = [.. omitted, .. part];
                if (stillFails(more))
                {
                    omitted = more;
                }
            }
        }

        return omitted;
    }
}
