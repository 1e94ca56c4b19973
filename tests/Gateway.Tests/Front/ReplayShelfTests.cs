using Microsoft.Extensions.Time.Testing;
using Souk.Gateway.Front.Idempotency;
using Souk.Protocol;

namespace Souk.Gateway.Tests.Front;

/// <summary>What the gateway keeps for retries is bounded in number, bytes and time.</summary>
public sealed class ReplayShelfTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void The_oldest_leave_when_there_are_too_many()
    {
        var shelf = new ReplayShelf(_time, mostReplies: 3, mostBytes: 1 << 20);
        for (var i = 0; i < 5; i++)
        {
            Keep(shelf, i, bytes: 10);
        }

        Assert.Equal([true, true, false, false, false], Enumerable.Range(0, 5).Select(i => IsGone(shelf, i)));
    }

    [Fact]
    public void The_oldest_leave_when_they_take_too_many_bytes()
    {
        var shelf = new ReplayShelf(_time, mostReplies: 100, mostBytes: 30_000);
        for (var i = 0; i < 4; i++)
        {
            Keep(shelf, i, bytes: 9_000);
        }

        // Each takes 9,000 bytes and 1,024 for its entry.
        Assert.Equal([true, true, false, false], Enumerable.Range(0, 4).Select(i => IsGone(shelf, i)));
    }

    [Fact]
    public void Replies_under_way_count_and_end_where_there_is_no_room()
    {
        var shelf = new ReplayShelf(_time, mostReplies: 100, mostBytes: 30_000);
        Keep(shelf, 1, bytes: 20_000);

        Assert.True(shelf.TryHold(25_000));
        Assert.True(IsGone(shelf, 1));
        Assert.False(shelf.TryHold(5_001));
        Assert.True(shelf.TryHold(5_000));
    }

    [Fact]
    public void A_reply_leaves_after_a_day()
    {
        var shelf = new ReplayShelf(_time, mostReplies: 100, mostBytes: 1 << 20);
        Keep(shelf, 1, bytes: 10);
        _time.Advance(TimeSpan.FromHours(23.9));
        Assert.False(shelf.Take(Key(1), Bytes32.Zero).IsFirst);
        _time.Advance(TimeSpan.FromHours(0.1));
        Assert.True(shelf.Take(Key(1), Bytes32.Zero).IsFirst);
    }

    private static ReplayKey Key(int number) => new(Bytes32.Zero, $"key {number}");

    private static void Keep(ReplayShelf shelf, int number, int bytes)
    {
        var (entry, isFirst) = shelf.Take(Key(number), Bytes32.Zero);
        Assert.True(isFirst);
        Assert.True(shelf.TryHold(bytes));
        shelf.Finish(Key(number), entry, new KeptReply(200, [], new byte[bytes]), bytes);
    }

    private static bool IsGone(ReplayShelf shelf, int number)
    {
        var (entry, isFirst) = shelf.Take(Key(number), Bytes32.Zero);
        if (isFirst)
        {
            shelf.Finish(Key(number), entry, null, 0);
        }

        return isFirst;
    }
}
