namespace Souk.Simulation.Planted;

/// <summary>Bugs of the selling side.</summary>
internal static class ProviderBugs
{
    private const string State = "src/Ledger/Selling/ProviderState.cs";
    private const string Claims = "src/Ledger/Selling/ClaimEvents.cs";
    private const string Vouchers = "src/Market/Vouchers/VoucherRules.cs";
    private const string Receipts = "src/Provider/Requests/ReceiptDesk.cs";

    public static IReadOnlyList<PlantedBug> All { get; } =
    [
        new("full-ceiling-claimed", "All that was promised is claimed, charged or not.",
            new Hunk(State, "Collectible => Amount.Min(Amount.Min(Base, Ceiling), Deposit);",
                "Collectible => PLANTED ? Amount.Min(Ceiling, Deposit) : Amount.Min(Amount.Min(Base, Ceiling),"
                    + " Deposit);"),
            new Hunk(Claims, "Broken.Unless(claimed.Total <= channel.Base,",
                "Broken.Unless(PLANTED || claimed.Total <= channel.Base,")),
        new("double-claim", "What was claimed is claimed once more on top.",
            new Hunk(State, "Amount.Min(Amount.Min(Base, Ceiling), Deposit);",
                "Amount.Min(Amount.Min(PLANTED ? Base + Claimed : Base, Ceiling), Deposit);"),
            new Hunk(Claims, "claimed.Total <= channel.Base,", "PLANTED || claimed.Total <= channel.Base,")),
        new("unbounded-credit", "A deposit counts in full before it is confirmed.",
            new Hunk("src/Market/Vouchers/SellerState.cs",
                "return promised <= ConfirmedDeposit || promised - ConfirmedDeposit <= slice",
                "return PLANTED || promised <= ConfirmedDeposit || promised - ConfirmedDeposit <= slice")),
        new("work-uncovered", "The engine goes on although no voucher covers the next token.",
            new Hunk("src/Provider/Requests/CoverGate.cs",
                "            if (tokens <= _covered || _isFinal)\n            {\n                return"
                    + " new(tokens <= _covered);",
                "            if (PLANTED || tokens <= _covered || _isFinal)\n            {\n"
                    + "                return new(PLANTED || tokens <= _covered);")),
        new("answer-before-acceptance", "An answer begins before its voucher is on the disk.",
            new Hunk("src/Provider/Requests/AnswerStream.cs", "if (!_admitted.Accepted.IsCompletedSuccessfully)",
                "if (!PLANTED && !_admitted.Accepted.IsCompletedSuccessfully)")),
        new("voucher-not-kept", "A higher voucher counts before it is on the disk, and is never written.",
            new Hunk("src/Provider/Requests/RequestDesk.cs",
                "? (new LedgerEvent[] { new VoucherAccepted(raise.Voucher, id, raise.IdsReceived, Now()) }, cover)",
                "? (PLANTED ? [] : new LedgerEvent[] { new VoucherAccepted(raise.Voucher, id,"
                    + " raise.IdsReceived, Now()) }, cover)")),
        new("withdrawal-overlooked", "Vouchers are taken while a withdrawal is pending.",
            new Hunk(Vouchers, "if (channel.IsWithdrawing)", "if (!PLANTED && channel.IsWithdrawing)")),
        new("withdrawal-unclaimed", "A withdrawal that begins hurries no claim.",
            new Hunk("src/Provider/Claims/Claimer.cs", "channel.Claimable, channel.IsWithdrawing)",
                "PLANTED && channel.IsWithdrawing ? Amount.Zero : channel.Claimable, !PLANTED &&"
                    + " channel.IsWithdrawing)")),
        new("crash-without-receipt", "What a crash left open never gets its receipt.",
            new Hunk("src/Provider/Requests/RequestDesk.cs", "await _receipts.SignAfterCrashAsync(request);",
                "await (PLANTED ? Task.CompletedTask : _receipts.SignAfterCrashAsync(request));")),
        new("crash-charges-all", "After a crash the whole ceiling is charged.",
            new Hunk(Receipts, "output = Math.Min(output, Charge.OutputWithin",
                "output = PLANTED ? Charge.OutputWithin(prices, input, cached, ceiling - open.Base) ?? 0 :"
                    + " Math.Min(output, Charge.OutputWithin")),
        new("overcharging", "A receipt counts one token more than were made.",
            new Hunk(Receipts, "var output = isFree ? 0 : run.ChargedOutput();",
                "var output = isFree ? 0 : run.ChargedOutput() + (PLANTED ? 1UL : 0UL);")),
        new("rounding-down", "A charge is rounded down.",
            new Hunk("src/Protocol/Pricing/Charge.cs", "(sum % TokensPerPrice == 0 ? UInt128.Zero : UInt128.One)",
                "(PLANTED || sum % TokensPerPrice == 0 ? UInt128.Zero : UInt128.One)")),
        new("never-paid-out", "What was claimed is not settled to the payout.",
            new Hunk("src/Provider/Claims/Settler.cs", "            if (owed.IsZero)\n",
                "            if (PLANTED || owed.IsZero)\n")),
        new("provider-nonce-reuse", "The same nonce is opened for every request of a channel.",
            new Hunk("src/Provider/Requests/Admission.cs",
                ".Nonce(NoncePosition.Of(channel.Acceptance.Index, paid.Index)!.Value)",
                ".Nonce(PLANTED ? 1 : NoncePosition.Of(channel.Acceptance.Index, paid.Index)!.Value)")),
        new("failure-charged", "What failed before its first token is charged its prompt.",
            new Hunk(Receipts, "var isFree = run.Outcome", "var isFree = !PLANTED && run.Outcome")),
    ];
}
