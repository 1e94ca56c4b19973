using System.Globalization;
using System.Text.Json;

namespace Souk.Protocol.Tests.Sampling;

public class SamplerVectorTests
{
    [Fact]
    public void Noise_has_the_bits_of_the_reference() =>
        Assert.All(Vectors.Read("protocol/gumbel.json").EnumerateArray(), row =>
        {
            Assert.True(SamplingKey.TryParse(row.Text("key"), out var key));
            var noise = new Gumbel(key, row.GetProperty("choice").GetInt32(), row.GetProperty("t").GetInt32());
            Assert.Equal(row.Text("bits"),
                BitConverter.DoubleToUInt64Bits(noise[row.GetProperty("v").GetInt32()]).ToString("x16"));
        });

    [Fact]
    public void Tokens_are_those_of_the_reference()
    {
        var cases = Vectors.Read("protocol/sampler.json").EnumerateArray().ToArray();
        Assert.True(cases.Length > 20);
        Assert.All(cases, row => Assert.Equal(Vectors.Ids(row.GetProperty("tokens")), Tokens(row)));
    }

    private static int[] Tokens(JsonElement row)
    {
        var logits = row.GetProperty("logits").EnumerateArray()
            .Select(x => x.ValueKind == JsonValueKind.String ? float.NegativeInfinity : (float)x.GetDouble())
            .ToArray();
        var p = row.GetProperty("parameters");
        var parameters = new SamplingParameters(
            p.GetProperty("temperature").GetDouble(), p.GetProperty("top_p").GetDouble(),
            p.GetProperty("top_k").GetInt32(), p.GetProperty("min_p").GetDouble(),
            p.GetProperty("frequency_penalty").GetDouble(), p.GetProperty("presence_penalty").GetDouble(), null);
        Assert.True(SamplingKey.TryParse(row.Text("key"), out var key));
        var sampler = new Sampler(parameters, key, logits.Length);
        var counts = Map(row, "counts", x => x.GetInt32());
        var bias = Map(row, "bias", x => x.GetDouble());
        var choice = row.GetProperty("choice").GetInt32();
        return [.. Enumerable.Range(0, row.GetProperty("tokens").GetArrayLength())
            .Select(t => sampler.Next(logits, choice, t, counts, bias))];
    }

    private static Dictionary<int, T>? Map<T>(JsonElement row, string name, Func<JsonElement, T> value) =>
        row.TryGetProperty(name, out var map)
            ? map.EnumerateObject().ToDictionary(
                pair => int.Parse(pair.Name, CultureInfo.InvariantCulture), pair => value(pair.Value))
            : null;
}
