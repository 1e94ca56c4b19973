using Souk.Protocol;

namespace Souk.Provider.Watch;

/// <summary>Settings of a watchtower. Bound once, checked by <see cref="Problems"/> before anything starts.</summary>
public sealed class WatchOptions
{
    /// <summary>Keys that sign the claims of the providers it watches for (receiverAuthorizer of their channels). A
    /// claim of any other is refused.</summary>
    public required IReadOnlyList<Address> Authorizers { get; init; }

    /// <summary>Sends the claims and pays their gas; holds nothing else.</summary>
    public required PrivateKey GasKey { get; init; }

    /// <summary>What 10^18 wei of the chain's gas money are worth in smallest units of the currency: a claim never
    /// costs more than it saves. Default 3,000 whole units of a currency with six decimals.</summary>
    public Amount GasMoneyPrice { get; init; } = new(3_000_000_000);

    /// <summary>A provider that was not heard of for so long counts as down, and its channels are claimed as soon as a
    /// withdrawal begins. Providers speak every 15 s. Default 60 s.</summary>
    public TimeSpan SilentAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often it is considered what to claim. Default 5 s.</summary>
    public TimeSpan Every { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How often all channels are read again, whatever the news say. Default 2 min.</summary>
    public TimeSpan ReadAllEvery { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a claim is held after all of it was claimed on the chain: longer than a reorganisation can
    /// reach back. Default one day.</summary>
    public TimeSpan LetGoAfter { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Most channels held; claims of further ones are refused. Each takes about a kilobyte of memory. Default
    /// 100,000.</summary>
    public int MostChannels { get; init; } = 100_000;

    /// <summary>Claims that one provider may have written down in a minute; each is a row of the ledger for ever.
    /// Default 3,000.</summary>
    public uint ClaimsPerMinute { get; init; } = 3_000;

    /// <summary>Everything that is wrong with these settings; empty when all is well.</summary>
    public IReadOnlyList<string> Problems()
    {
        List<string> problems = [];
        Check(Authorizers.Count > 0, "There is nobody to watch for; name at least one provider.");
        Check(
            SilentAfter > TimeSpan.Zero && Every > TimeSpan.Zero && ReadAllEvery > TimeSpan.Zero
                && LetGoAfter > TimeSpan.Zero,
            "A waiting time is not above zero.");
        Check(MostChannels > 0 && ClaimsPerMinute > 0, "No claim may be held; allow at least one.");
        return problems;

        void Check(bool isFine, string problem)
        {
            if (!isFine)
            {
                problems.Add(problem);
            }
        }
    }
}
