using System.Text.Json;

namespace Souk.Protocol.Tests.HashChains;

public class HeartbeatTests
{
    private static readonly JsonElement File = Vectors.Read("protocol/heartbeat.json");
    private static readonly ulong IssuedAt = File.GetProperty("issued_at").GetUInt64();

    [Fact]
    public void The_heartbeat_due_is_that_of_the_reference()
    {
        var heartbeat = new Heartbeat(File.Word("secret"), IssuedAt);
        Assert.Equal(File.Word("anchor"), heartbeat.Anchor);
        Assert.All(File.GetProperty("opened").EnumerateArray(), row =>
            Assert.Equal(row.Word("value"), heartbeat.At(row.GetProperty("now").GetUInt64())));
    }

    [Fact]
    public void Liveness_is_that_of_the_reference()
    {
        var rows = File.GetProperty("live").EnumerateArray().ToArray();
        Assert.Contains(rows, row => row.GetProperty("is_live").GetBoolean());
        Assert.Contains(rows, row => !row.GetProperty("is_live").GetBoolean());
        Assert.All(rows, row =>
        {
            Assert.Equal(
                row.GetProperty("index").GetInt32(), Heartbeat.IndexOf(File.Word("anchor"), row.Word("value")));
            var isLive = Heartbeat.IsLive(
                File.Word("anchor"), IssuedAt, row.Word("value"), row.GetProperty("now").GetUInt64());
            Assert.Equal(row.GetProperty("is_live").GetBoolean(), isLive);
        });
    }

    [Fact]
    public void What_is_due_is_live()
    {
        var heartbeat = new Heartbeat(File.Word("secret"), IssuedAt);
        for (var second = 0UL; second < 630; second++)
        {
            var value = heartbeat.At(IssuedAt + second);
            Assert.True(Heartbeat.IsLive(heartbeat.Anchor, IssuedAt, value, IssuedAt + second));
        }
    }

    [Fact]
    public void Another_value_is_no_heartbeat()
    {
        Assert.Null(Heartbeat.IndexOf(File.Word("anchor"), Bytes32.Zero));
        Assert.False(Heartbeat.IsLive(File.Word("anchor"), IssuedAt, Bytes32.Zero, IssuedAt));
    }
}
