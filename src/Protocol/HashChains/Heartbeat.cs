namespace Souk.Protocol;

/// <summary>
/// A provider's sign of life for one offer: anchor = H^60(secret); heartbeat i is the v with H^i(v) = anchor, opened
/// no earlier than issuedAt + 10 i seconds. Anyone can check it and nobody but the provider can make it early.
/// </summary>
public sealed class Heartbeat
{
    /// <summary>Heartbeats of one offer after its anchor.</summary>
    public const int Length = 60;

    /// <summary>Seconds between heartbeats.</summary>
    public const ulong PeriodSeconds = 10;

    // A live offer may be two periods late; a reader's clock may be one period slow.
    private const int AllowedLateness = 2;
    private const int AllowedEarliness = 1;

    private readonly Bytes32 _secret;
    private readonly ulong _issuedAt;

    /// <summary>Starts the heartbeat of an offer.</summary>
    /// <param name="secret">32 unpredictable bytes, new for each offer.</param>
    /// <param name="issuedAt">The offer's, in Unix seconds.</param>
    public Heartbeat(Bytes32 secret, ulong issuedAt)
    {
        _secret = secret;
        _issuedAt = issuedAt;
        Anchor = Sha.Iterate(secret, Length);
    }

    /// <summary>What the offer states.</summary>
    public Bytes32 Anchor { get; }

    /// <summary>The newest heartbeat that may be opened at <paramref name="nowSeconds"/> (Unix seconds).</summary>
    public Bytes32 At(ulong nowSeconds) => Sha.Iterate(_secret, Length - (int)Due(_issuedAt, nowSeconds));

    /// <summary>The number of a heartbeat; null when it is not one of the anchor's.</summary>
    public static int? IndexOf(Bytes32 anchor, Bytes32 value)
    {
        for (var i = 0; i <= Length; i++)
        {
            if (value == anchor)
            {
                return i;
            }

            value = Sha.Iterate(value, 1);
        }

        return null;
    }

    /// <summary>
    /// True while i >= floor((now - issuedAt) / period) - 2. A value from more than one period ahead is refused:
    /// it was opened too early, or the clocks differ too much to tell.
    /// </summary>
    public static bool IsLive(Bytes32 anchor, ulong issuedAt, Bytes32 value, ulong now)
    {
        if (IndexOf(anchor, value) is not { } index)
        {
            return false;
        }

        var elapsed = now > issuedAt ? (now - issuedAt) / PeriodSeconds : 0;
        return (ulong)index + AllowedLateness >= elapsed && (ulong)index <= elapsed + AllowedEarliness;
    }

    private static ulong Due(ulong issuedAt, ulong now) =>
        now > issuedAt ? Math.Min((now - issuedAt) / PeriodSeconds, Length) : 0;
}
