namespace Souk.Indexer;

/// <summary>Settings of an indexer. Bound once, checked by <see cref="Problems"/> before anything starts.</summary>
public sealed class IndexerOptions
{
    /// <summary>How often every provider with a live offer is asked for heartbeats. Default 5 s; a heartbeat is due
    /// every 10 s, and gateways forgive two.</summary>
    public TimeSpan BeatEvery { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How often registry entries are read again. Default 30 s: so long may a change go unnoticed here.
    /// Gateways read the registry themselves.</summary>
    public TimeSpan ReadEntriesEvery { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Announcements per peer and minute; more are refused. Default 120.</summary>
    public int AnnouncementsPerMinute { get; init; } = 120;

    /// <summary>Everything that is wrong with these settings; empty when all is well.</summary>
    public IReadOnlyList<string> Problems()
    {
        List<string> problems = [];
        if (BeatEvery <= TimeSpan.Zero || ReadEntriesEvery <= TimeSpan.Zero)
        {
            problems.Add("A waiting time is not above zero.");
        }

        if (AnnouncementsPerMinute < 1)
        {
            problems.Add("No announcement is allowed; set at least 1 a minute.");
        }

        return problems;
    }
}
