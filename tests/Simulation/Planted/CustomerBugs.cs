namespace Souk.Simulation.Planted;

/// <summary>Bugs of the buying side, and of what both sides share.</summary>
internal static class CustomerBugs
{
    private const string Journal = "src/Ledger/Books/Journal.cs";
    private const string Channels = "src/Ledger/Customer/CustomerChannelEvents.cs";
    private const string Calls = "src/Gateway/Chat/CallDesk.cs";
    private const string Opener = "src/Gateway/Channels/ChannelOpener.cs";
    private const string Receipts = "src/Gateway/Receipts/ReceiptBooks.cs";
    private const string Stream = "src/Gateway/Chat/PaidStream.cs";

    public static IReadOnlyList<PlantedBug> All { get; } =
    [
        new("lost-voucher", "Promises and receipts leave before they are on the disk.",
            new Hunk(Journal, "        await append;\n",
                "        if (!PLANTED)\n        {\n            await append;\n        }\n")),
        new("index-reuse", "The index of a request that was refused is used again.",
            new Hunk("src/Gateway/Chat/ChannelHandout.cs", "taking.Request, channel.Index + 1, 0, taking.NowMs",
                "taking.Request, PLANTED ? Math.Max(1, channel.Index) : channel.Index + 1, 0, taking.NowMs"),
            new Hunk(Channels, "Broken.Unless(row.Index > channel.Index,",
                "Broken.Unless(PLANTED || row.Index > channel.Index,")),
        new("draw-nonce-reuse", "Every draw on the vault is signed with the same nonce.",
            new Hunk(Opener, "id, amount, randomness.NextBytes32(), (ulong)now",
                "id, amount, PLANTED ? Bytes32.Zero : randomness.NextBytes32(), (ulong)now"),
            new Hunk("src/Ledger/Customer/CustomerBook.cs", "Broken.Unless(!Draws.ContainsKey(row.Nonce), \"A draw's",
                "Broken.Unless(PLANTED || !Draws.ContainsKey(row.Nonce), \"A draw's"),
            new Hunk("src/Ledger/Customer/CustomerBook.cs", "Draws = Draws.Add(row.Nonce, row)",
                "Draws = Draws.SetItem(row.Nonce, row)")),
        new("gateway-nonce-reuse", "Requests carry the same gateway nonce.",
            new Hunk(Calls, "var (id, nonce) = (randomness.NextRequestId(), randomness.NextBytes32());",
                "var (id, nonce) = (randomness.NextRequestId(), PLANTED ? Bytes32.Zero : randomness.NextBytes32());")),
        new("raise-too-far", "A raise promises four slices ahead.",
            new Hunk("src/Market/Pricing/SlicePlan.cs", "CeilingFor(Math.Min(received + SliceTokens, OutputTokens))",
                "CeilingFor(Math.Min(received + (SliceTokens * (PLANTED ? 4UL : 1UL)), OutputTokens))")),
        new("whole-answer-promised", "The first voucher promises the whole answer.",
            new Hunk("src/Market/Pricing/SlicePlan.cs", "CeilingFor(Math.Min(SliceTokens, OutputTokens))",
                "CeilingFor(PLANTED ? OutputTokens : Math.Min(SliceTokens, OutputTokens))")),
        new("budget-overspent", "What other requests have reserved is forgotten when a budget is checked.",
            new Hunk("src/Market/Budgets/ApiKeyRules.cs",
                "Amount.SubtractToZero(Amount.SubtractToZero(budget, spent), Reserved);",
                "Amount.SubtractToZero(Amount.SubtractToZero(budget, spent), PLANTED ? Amount.Zero : Reserved);"),
            new Hunk("src/Ledger/Customer/BudgetEvents.cs",
                "row.Reserved <= account.AvailableOn(UtcDay.Of(row.AtMs)),",
                "PLANTED || row.Reserved <= account.AvailableOn(UtcDay.Of(row.AtMs)),")),
        new("bill-of-the-reservation", "An app is billed what was reserved, not what the receipt says.",
            new Hunk("src/Market/Budgets/ApiKeyRules.cs",
                "Bill(Amount cost, Amount reserved) => Amount.Min(cost, reserved);",
                "Bill(Amount cost, Amount reserved) => PLANTED ? reserved : Amount.Min(cost, reserved);")),
        new("error-and-charge", "An app hears of an error that its SDK tries again, and is billed later all the same.",
            new Hunk(Stream, "            await books.ReleaseAsync(call.AppRequest);\n        }\n\n"
                + "        return new CallOutcome(Amount.Zero, null, refusal with",
                "            await (PLANTED ? Task.CompletedTask : books.ReleaseAsync(call.AppRequest));\n"
                    + "        }\n\n        return new CallOutcome(Amount.Zero, null, refusal with")),
        new("leaked-reservation", "A request that was refused keeps its reservation.",
            new Hunk(Receipts,
                "            Release(book, appRequest, events);\n            return events.ToArray();\n"
                    + "        });\n        planner.Signal();",
                "            if (!PLANTED)\n            {\n                Release(book, appRequest, events);\n"
                    + "            }\n\n            return events.ToArray();\n        });\n        planner.Signal();")),
        new("base-not-advanced", "A receipt does not move the base that the next voucher stands on.",
            new Hunk(Channels, "                Base = receipt.Cumulative,",
                "                Base = PLANTED ? channel.Base : receipt.Cumulative,")),
        new("withdrawing-goes-on", "A channel whose money is being taken back takes further requests.",
            new Hunk(Channels, "return book.With(channel with { State = state, IsWithdrawing = true });",
                "return book.With(channel with { State = PLANTED ? CustomerChannelState.Idle : state,"
                    + " IsWithdrawing = !PLANTED });")),
        new("receipts-not-chased", "Receipts whose stream broke are never asked for.",
            new Hunk("src/Gateway/Receipts/ReceiptChaser.cs",
                "await Task.WhenAll(due.Select(request => ChaseAsync(request, cancellation)));",
                "await Task.WhenAll(due.Where(_ => !PLANTED).Select(request => ChaseAsync(request, cancellation)));")),
        new("deposit-forgotten", "A deposit whose answer was lost is never looked for.",
            new Hunk("src/Gateway/Channels/ChannelPlanner.cs", "        if (draws.Count == 0)\n",
                "        if (PLANTED || draws.Count == 0)\n")),
        new("stale-offer", "An offer once believed is never replaced by a newer one and never dies.",
            new Hunk("src/Market/Offers/OfferBook.cs",
                "public bool IsLive(ulong now) => now < LiveUntil && now < Offer.Expiry;",
                "public bool IsLive(ulong now) => PLANTED || (now < LiveUntil && now < Offer.Expiry);"),
            new Hunk("src/Gateway/Offers/MarketView.cs", "&& (known.Offer.Sequence > offer.Sequence",
                "&& (PLANTED || known.Offer.Sequence > offer.Sequence"),
            new Hunk("src/Gateway/Offers/MarketView.cs", "Beat(Add(_book.Expire(now), offers, now), beats, now)",
                "Beat(Add(PLANTED ? _book : _book.Expire(now), offers, now), beats, now)")),
        new("withdrawal-forgotten", "A withdrawal that has begun is never finished.",
            new Hunk("src/Gateway/Channels/ChannelWatch.cs",
                "{ IsWithdrawing: true } => FinishWithdrawalAsync(channel, cancellation),",
                "{ IsWithdrawing: true } when !PLANTED => FinishWithdrawalAsync(channel, cancellation),")),
    ];
}
