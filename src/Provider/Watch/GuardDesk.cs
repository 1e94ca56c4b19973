using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Market.Budgets;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Provider.Watch;

/// <summary>What a watchtower heard of a provider.</summary>
/// <param name="Silence">Since it was last heard of, or since the start.</param>
/// <param name="Unclaimed">What it said last that it has not claimed, protected or not; null before it said so.</param>
internal sealed record Heard(TimeSpan Silence, Amount? Unclaimed);

/// <summary>
/// Takes claims. What authenticates them is the authorizer's signature on each: nobody else can make one, and whoever
/// sends it again changes nothing. Everything is bounded before it costs a signature check, a bad signature ends its
/// request, and what is not higher than what is held is not written.
/// </summary>
internal sealed class GuardDesk(
    WatchOptions options, NetworkFile network, Journal<WatchBook> journal, TimeProvider time)
{
    // What a provider says of itself is shown and summed, so it may not be so large that a sum overflows.
    private static readonly Amount MostUnclaimed = new(UInt128.MaxValue >> 32);
    private readonly EscrowDomain _escrow = network.EscrowDomain;
    private readonly long _start = time.GetTimestamp();
    private readonly Lock _guard = new();
    private readonly SortedDictionary<Address, (long At, Amount Unclaimed)> _heard = [];
    private readonly SortedDictionary<Address, RateBucket> _rates = [];

    /// <summary>Fires with channels whose claim is new or higher, once they are durable.</summary>
    public event Action<IReadOnlyList<Bytes32>>? Taken;

    /// <summary>What was heard of an authorizer's provider.</summary>
    public Heard Of(Address authorizer)
    {
        lock (_guard)
        {
            return _heard.TryGetValue(authorizer, out var heard)
                ? new Heard(time.GetElapsedTime(heard.At), heard.Unclaimed)
                : new Heard(time.GetElapsedTime(_start), null);
        }
    }

    /// <summary>Checks claims, writes the new ones down, and tells what is held of their channels.</summary>
    public async Task<Result<GuardReply>> TakeAsync(GuardRequest request)
    {
        List<ClaimGuarded> rows = [];
        foreach (var claim in request.Claims)
        {
            if (!Check(claim).TryGet(out var row, out var refusal))
            {
                return refusal;
            }

            rows.Add(row);
        }

        if (rows.Select(row => row.Config.ReceiverAuthorizer).Distinct().Count() > 1)
        {
            return Theirs("several_providers", "Send the claims of one provider at a time.");
        }

        if (rows.Count > 0)
        {
            Hear(rows[0].Config.ReceiverAuthorizer, request.Unclaimed);
        }

        List<Bytes32> taken = [];
        var refused = await journal.RecordAsync(book =>
        {
            taken.Clear();
            var events = Higher(book, rows);
            if (events.Length > 0 && !TryTake(events))
            {
                return Theirs("too_many_claims", "Claims are raised too often; send them less often.");
            }

            taken.AddRange(events.Select(row => row.ChannelId));
            return (LedgerEvent[])events;
        });
        if (refused is not null)
        {
            return refused;
        }

        if (taken.Count > 0)
        {
            Taken?.Invoke(taken);
        }

        var held = journal.Durable;
        return new GuardReply(
        [
            .. rows.Select(row => row.ChannelId).Distinct().Where(held.Held.ContainsKey)
                .Select(id => new HeldClaim(id, held.Total(id))),
        ]);
    }

    private Result<ClaimGuarded> Check(GuardedClaim claim)
    {
        var (config, voucher) = (claim.Config, claim.Voucher);
        if (!options.Authorizers.Contains(config.ReceiverAuthorizer))
        {
            return Theirs("authorizer_unknown",
                $"This watchtower does not watch for {config.ReceiverAuthorizer}; its operator has to name the "
                    + "provider.");
        }

        if (config.Token != network.Currency)
        {
            return Theirs("wrong_currency", $"The channel is in another currency than {network.Currency}.");
        }

        var id = config.Id(_escrow);
        if (voucher.ChannelId != id || claim.Total.IsZero || claim.Total > voucher.MaxClaimable)
        {
            return Theirs("claim_malformed",
                "The claim is of nothing, above its voucher, or the voucher is another channel's.");
        }

        var row = new ClaimGuarded(id, config, voucher, claim.Total, claim.Authorisation, NowMs());
        if (journal.Book.Held.TryGetValue(id, out var held) && held with { AtMs = row.AtMs } == row)
        {
            // The very claim that was checked before.
            return row;
        }

        var digest = ClaimBatch.Digest(_escrow, [new ClaimEntry(id, voucher.MaxClaimable, claim.Total)]);
        if (Secp256k1.Recover(digest, claim.Authorisation) != config.ReceiverAuthorizer)
        {
            return Theirs("authorisation_invalid", "A claim is not signed by its channel's receiverAuthorizer.");
        }

        // Where a contract judges vouchers itself only the escrow can tell, and a dry run will.
        return config.PayerAuthorizer.IsZero || voucher.Signer(_escrow) == config.PayerAuthorizer
            ? row
            : Theirs("voucher_signer_mismatch", "A voucher is not signed by its channel's payerAuthorizer.");
    }

    private ClaimGuarded[] Higher(WatchBook book, List<ClaimGuarded> rows)
    {
        List<ClaimGuarded> higher = [];
        var places = options.MostChannels - book.Held.Count;
        foreach (var row in rows.GroupBy(row => row.ChannelId).Select(group => group.MaxBy(row => row.Total.Units)!))
        {
            var isNew = !book.Held.ContainsKey(row.ChannelId);
            if (row.Total > book.Total(row.ChannelId) && (!isNew || places-- > 0))
            {
                higher.Add(row);
            }
        }

        return [.. higher];
    }

    private bool TryTake(ClaimGuarded[] events)
    {
        var authorizer = events[0].Config.ReceiverAuthorizer;
        lock (_guard)
        {
            if (!_rates.TryGetValue(authorizer, out var rate))
            {
                rate = new RateBucket(options.ClaimsPerMinute, time.GetElapsedTime(_start));
                _rates.Add(authorizer, rate);
            }

            return rate.TryTake((ulong)events.Length, time.GetElapsedTime(_start));
        }
    }

    private void Hear(Address authorizer, Amount unclaimed)
    {
        lock (_guard)
        {
            _heard[authorizer] = (time.GetTimestamp(), Amount.Min(unclaimed, MostUnclaimed));
        }
    }

    private ulong NowMs() => (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();

    private static Refusal Theirs(string code, string message) => new(Fault.Theirs, code, message);
}
