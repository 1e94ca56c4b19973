namespace Souk.Simulation.Planted;

/// <summary>Bugs of the watchtower, which its own worlds have to find.</summary>
internal static class TowerBugs
{
    private const string Node = "src/Provider/Watch/WatchNode.cs";
    private const string Channels = "src/Provider/Watch/GuardedChannels.cs";

    public static IReadOnlyList<PlantedBug> All { get; } = [.. Planted.Select(bug => bug with { IsTowers = true })];

    private static IEnumerable<PlantedBug> Planted =>
    [
        new("tower-deaf-to-reorgs", "What a reorganisation undid is never read again.",
            new Hunk(Channels, "MarkInside(news.IsReset ?", "MarkInside(PLANTED && news.IsReset ? [] : news.IsReset ?"),
            new Hunk(Node, "if (_time.GetElapsedTime(readAllAt) >=",
                "if (!PLANTED && _time.GetElapsedTime(readAllAt) >=")),
        new("tower-forgets-at-restart", "What is held is not looked at again after a restart, until it moves.",
            new Hunk(Node, "        node._channels.MarkAll();\n",
                "        if (!PLANTED)\n        {\n            node._channels.MarkAll();\n        }\n\n"),
            new Hunk(Channels, "news.IsReset ? [.. held.Keys]", "news.IsReset && !PLANTED ? [.. held.Keys]"),
            new Hunk(Node, "_time.GetElapsedTime(readAllAt) >=", "!PLANTED && _time.GetElapsedTime(readAllAt) >=")),
        new("tower-no-hurry", "Near the deadline a claim offers no more than before.",
            new Hunk("src/Provider/Watch/GuardClaims.cs", "with { Hurry = hurry }",
                "with { Hurry = PLANTED ? null : hurry }")),
        new("tower-lets-go-early", "A claim is let go as soon as the chain shows it claimed.",
            new Hunk(Node, "else if (_time.GetElapsedTime(since) >= _options.LetGoAfter &&",
                "else if ((PLANTED || _time.GetElapsedTime(since) >= _options.LetGoAfter) &&")),
        new("tower-answers-too-soon", "The provider hears that a claim is held before it is on the disk.",
            new Hunk("src/Ledger/Books/Journal.cs", "            await append;\n",
                "            await (PLANTED ? Task.CompletedTask : append);\n")),
        new("tower-trusts-who-speaks", "A provider that speaks but does not claim is waited for.",
            new Hunk("src/Market/Claims/GuardRules.cs",
                "isSilent || now >= initiatedAt + (delay / 4) || now + margin >= initiatedAt + delay;",
                "isSilent || (!PLANTED"
                    + " && (now >= initiatedAt + (delay / 4) || now + margin >= initiatedAt + delay));")),
    ];
}
