using System.Globalization;
using System.Runtime.Intrinsics;
using System.Text.Json;
using CsCheck;

namespace Souk.Protocol.Tests.Sampling;

public class PhiloxTests
{
    [Fact]
    public void Blocks_are_those_that_Random123_publishes()
    {
        var lines = File.ReadAllLines(Path.Combine(Vectors.Root, "vectors", "random123", "philox4x32-10.txt"));
        Assert.Equal(3, lines.Length);
        foreach (var line in lines)
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2..].Select(Word).ToArray();
            Assert.Equal((words[6], words[7], words[8], words[9]),
                Philox4x32.Block(words[0], words[1], words[2], words[3], words[4], words[5]));
        }
    }

    [Fact]
    public void Blocks_are_those_of_the_reference() =>
        Assert.All(Vectors.Read("protocol/philox.json").EnumerateArray(), row =>
        {
            var (c, k, x) = (Words(row, "counter"), Words(row, "key"), Words(row, "block"));
            Assert.Equal((x[0], x[1], x[2], x[3]), Philox4x32.Block(c[0], c[1], c[2], c[3], k[0], k[1]));
        });

    [Fact]
    public void Eight_at_a_time_are_those_of_one() => Gen.UInt.Array[13].Sample(words =>
    {
        ulong[] counters = [.. words[..8].Select(word => (ulong)word)];
        var together = Philox4x32.Words(
            Vector512.Create<ulong>(counters), words[8], words[9], words[10], words[11], words[12]);
        for (var lane = 0; lane < 8; lane++)
        {
            var (x0, x1, _, _) = Philox4x32.Block(words[lane], words[8], words[9], words[10], words[11], words[12]);
            Assert.Equal(((ulong)x0 << 32) | x1, together[lane]);
        }
    }, iter: 2_000);

    [Fact]
    public void Keys_are_those_of_the_reference()
    {
        var file = Vectors.Read("protocol/sampling_key.json");
        Assert.All(file.GetProperty("from_seed").EnumerateArray(), row => Assert.Equal(
            row.Text("key"),
            SamplingKey.FromSeed(long.Parse(row.Text("seed"), CultureInfo.InvariantCulture)).ToString()));
        var parts = file.GetProperty("two_party");
        var key = SamplingKey.TwoParty(parts.Word("channel"), RequestId.Parse(parts.Text("request_id")),
            parts.GetProperty("index").GetUInt64(), parts.Word("request_commitment"), parts.Word("gateway_nonce"),
            parts.Word("provider_nonce"));
        Assert.Equal(parts.Text("key"), key.ToString());
        Assert.True(SamplingKey.TryParse(key.ToString(), out var back));
        Assert.Equal(key, back);
        Assert.Equal(key, SamplingKey.FromBytes(key.ToBytes()));
        Assert.False(SamplingKey.TryParse(key + "00", out _));
    }

    private static uint[] Words(JsonElement row, string name) =>
        [.. row.GetProperty(name).EnumerateArray().Select(word => Word(word.GetString()!))];

    private static uint Word(string text) => uint.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
