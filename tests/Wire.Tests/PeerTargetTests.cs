using Souk.Protocol;

namespace Souk.Wire.Tests;

public sealed class PeerTargetTests
{
    private const string Pin = "0x50e0686f6b2588e3aa7f86267b5abad54290e70199d78f7dfcc77f78ce158ea8";

    [Fact]
    public void An_indexers_url_carries_its_pin()
    {
        var target = PeerTarget.ParsePinned($"https://indexer.example:8083#{Pin}").Value;

        Assert.Equal(new Uri("https://indexer.example:8083"), target.Endpoint);
        Assert.Equal(Bytes32.Parse(Pin), target.SpkiHash);
        Assert.Null(PeerTarget.ParsePinned("http://127.0.0.1:8083").Value.SpkiHash);
    }

    [Theory]
    [InlineData("https://indexer.example:8083")]
    [InlineData("https://indexer.example:8083#")]
    [InlineData("https://indexer.example:8083#0x12")]
    [InlineData("http://indexer.example:8083#" + Pin)]
    [InlineData("https://indexer.example:8083/path#" + Pin)]
    public void An_indexers_url_that_cannot_be_trusted_is_refused(string url) =>
        Assert.False(PeerTarget.ParsePinned(url).IsOk);

    [Fact]
    public void An_offers_endpoint_cannot_bring_a_pin_of_its_own() =>
        Assert.False(PeerTarget.Parse($"https://provider.example#{Pin}", null).IsOk);
}
