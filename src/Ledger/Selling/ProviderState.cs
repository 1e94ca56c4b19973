using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Ledger.Selling;

/// <summary>
/// A provider's channel. <paramref name="Base"/> is what its receipts add up to, <paramref name="Highest"/> the
/// highest voucher, <paramref name="Index"/> the last index taken, <paramref name="Claiming"/> the total of a claim
/// that was submitted and is not mined yet.
/// </summary>
public sealed record ProviderChannel(
    Bytes32 Id, ChannelConfig Config, Amount Deposit, Amount ConfirmedDeposit, Amount Claimed, bool IsWithdrawing,
    ulong Block, Amount Base, Voucher? Highest, ulong Index, Acceptance? Acceptance, RequestId? Request,
    Amount Claiming, Amount Loss)
{
    /// <summary>Since when the oldest of what is earned and not claimed waits, in Unix milliseconds; 0 before
    /// anything was earned.</summary>
    public ulong WaitsSinceMs { get; init; }

    /// <summary>A refund that was sent and of which the chain has not told yet; the channel serves nothing
    /// meanwhile.</summary>
    public PendingRefund? Refunding { get; init; }

    /// <summary>Rows of this ledger were lost, and nobody has shown yet that none of this channel's are among
    /// them.</summary>
    public bool IsInDoubt { get; init; }

    /// <summary>True where more was charged than this ledger explains, or may have been: no voucher is taken on such a
    /// base.</summary>
    public bool IsBehind => IsInDoubt || Claimed > Base;

    /// <summary>The highest amount that the customer has promised.</summary>
    public Amount Ceiling => Highest?.MaxClaimable ?? Amount.Zero;

    /// <summary>
    /// The total that the escrow pays at most now: earned, promised, and still in the channel. A customer that has
    /// withdrawn leaves less in it than was earned, and the escrow refuses any claim above what is there.
    /// </summary>
    public Amount Collectible => Amount.Min(Amount.Min(Base, Ceiling), Deposit);

    /// <summary>What can be collected and is not claimed yet, nor part of a claim under way.</summary>
    public Amount Claimable => Amount.SubtractToZero(Collectible, Amount.Max(Claimed, Claiming));

    /// <summary>
    /// What was earned, is not in the channel by either of two balances of it, and was not booked as lost before.
    /// </summary>
    public Amount Unbooked(Amount newest, Amount confirmed) =>
        Amount.SubtractToZero(Amount.Min(Base, Ceiling), Amount.Max(newest, confirmed) + Loss);
}

/// <summary>A refund under way, signed for one nonce: it happens once, however often it is sent.</summary>
public sealed record PendingRefund(Amount Amount, UInt128 Nonce);

/// <summary>What a receipt after a crash charges: what was stored before it.</summary>
public sealed record StoredCounts(ulong InputTokens, ulong CachedTokens, ulong OutputTokens);

/// <summary>
/// A paid request. <paramref name="Base"/> is the channel's base when it was admitted; <paramref name="IdsReceived"/>
/// the count that came with the last voucher; <paramref name="Receipt"/> is there once it has ended.
/// </summary>
public sealed record ProviderRequest(
    RequestAdmitted Admitted, Amount Base, ulong IdsReceived, ulong Delivered, PrefillBegun? Prefill,
    Signed<Receipt>? Receipt, ulong EndedAtMs)
{
    /// <summary>True while no receipt was signed.</summary>
    public bool IsOpen => Receipt is null;

    /// <summary>
    /// The counts that survive a crash: nothing before prefill, else the input and the last stored count of output.
    /// </summary>
    public StoredCounts Stored => Prefill is null
        ? new StoredCounts(0, 0, 0)
        : new StoredCounts(Prefill.InputTokens, Prefill.CachedTokens, Math.Max(IdsReceived, Delivered));
}

/// <summary>A claim that was submitted and neither mined nor failed yet.</summary>
public sealed record PendingClaim(Bytes32 ClaimId, IReadOnlyList<ClaimedChannel> Channels, ulong AtMs);
