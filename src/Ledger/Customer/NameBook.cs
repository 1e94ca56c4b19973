using System.Collections.Immutable;
using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Ledger.Customer;

/// <summary>
/// A request that an app gave a name. <paramref name="IsCharged"/> once the API key was billed for it;
/// <paramref name="KeptBytes"/> is the size of its kept reply, null where none is kept.
/// </summary>
public sealed record NamedRequest(
    Bytes32 Name, Bytes32 Fingerprint, Bytes32 KeyHash, RequestId AppRequest, ulong AtMs, bool IsCharged,
    ulong? KeptBytes)
{
    /// <summary>How long a name stands for its request, in milliseconds: 24 hours.</summary>
    public const ulong KeptMs = 86_400_000;

    /// <summary>Whether the name is free again.</summary>
    public bool IsOver(ulong nowMs) => nowMs >= AtMs + KeptMs;
}

/// <summary>What the names of one API key hold: how many there are, and the bytes of their replies.</summary>
public readonly record struct NamesHeld(int Count, ulong Bytes);

/// <summary>The names that apps gave their requests within a day. Requests that cost nothing are not among
/// them.</summary>
public sealed record NameBook
{
    private static readonly ImmutableDictionary<Bytes32, NamedRequest> _none =
        ImmutableDictionary<Bytes32, NamedRequest>.Empty;

    private ImmutableDictionary<Bytes32, NamedRequest> ByName { get; init; } = _none;

    private ImmutableDictionary<Bytes32, NamesHeld> ByKey { get; init; } =
        ImmutableDictionary<Bytes32, NamesHeld>.Empty;

    /// <summary>No names.</summary>
    public static NameBook Empty { get; } = new();

    /// <summary>How many names there are.</summary>
    public int Count => ByName.Count;

    /// <summary>What a name stands for at a time (Unix milliseconds); null where it is free.</summary>
    public NamedRequest? Find(Bytes32 name, ulong nowMs) =>
        ByName.GetValueOrDefault(name) is { } known && !known.IsOver(nowMs) ? known : null;

    /// <summary>What an API key's names hold.</summary>
    public NamesHeld HeldBy(Bytes32 keyHash) => ByKey.GetValueOrDefault(keyHash);

    internal NameBook With(RequestNamed row) => Put(new NamedRequest(
        row.Name, row.Fingerprint, row.KeyHash, row.AppRequest, row.AtMs, IsCharged: false, null));

    // A reply that cost nothing is kept as well, by a name that nothing had been reserved for.
    internal NameBook With(ReplyKept row) => Put(new NamedRequest(
        row.Name, row.Fingerprint, row.KeyHash, row.AppRequest, row.AtMs, IsCharged: true, row.Bytes));

    internal NameBook Charged(Bytes32 name, RequestId appRequest) =>
        Of(name, appRequest) is { } known ? Put(known with { IsCharged = true }) : this;

    internal NameBook Released(Bytes32 name, RequestId appRequest) =>
        Of(name, appRequest) is { } known ? Drop(known) : this;

    internal NameBook Forget(ulong nowMs) =>
        ByName.Values.Where(known => known.IsOver(nowMs)).Aggregate(this, static (book, known) => book.Drop(known));

    // The name may stand for a later request by now.
    private NamedRequest? Of(Bytes32 name, RequestId appRequest) =>
        ByName.GetValueOrDefault(name) is { } known && known.AppRequest == appRequest ? known : null;

    private NameBook Put(NamedRequest named)
    {
        var without = ByName.GetValueOrDefault(named.Name) is { } before ? Drop(before) : this;
        var held = without.HeldBy(named.KeyHash);
        return new NameBook
        {
            ByName = without.ByName.SetItem(named.Name, named),
            ByKey = without.ByKey.SetItem(
                named.KeyHash, new NamesHeld(held.Count + 1, held.Bytes + (named.KeptBytes ?? 0))),
        };
    }

    private NameBook Drop(NamedRequest named)
    {
        var held = HeldBy(named.KeyHash);
        return new NameBook
        {
            ByName = ByName.Remove(named.Name),
            ByKey = held.Count == 1
                ? ByKey.Remove(named.KeyHash)
                : ByKey.SetItem(
                    named.KeyHash, new NamesHeld(held.Count - 1, held.Bytes - (named.KeptBytes ?? 0))),
        };
    }
}
