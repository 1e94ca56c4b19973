namespace Souk.Protocol.Tests.Primitives;

public class AddressTests
{
    // The examples of EIP-55.
    [Theory]
    [InlineData("0x52908400098527886E0F7030069857D2E4169EE7")]
    [InlineData("0x8617E340B3D01FA5F11F306F4090FD50E238070D")]
    [InlineData("0xde709f2102306220921060314715629080e2fb77")]
    [InlineData("0x27b1fdb04752bbc536007a920d24acb045561c26")]
    [InlineData("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    [InlineData("0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359")]
    [InlineData("0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB")]
    [InlineData("0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb")]
    public void Text_is_the_EIP_55_form_and_reads_back(string text)
    {
        var address = Address.Parse(text);
        Assert.Equal(text, address.ToString());
        Assert.Equal(address, Address.Parse(text.ToLowerInvariant()));
        Assert.Equal(address, Address.Parse(text[2..].ToUpperInvariant()));
        Assert.Equal(address, Address.FromBytes(address.ToBytes()));
    }

    [Theory]
    [InlineData("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD")]
    [InlineData("0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    public void A_wrong_checksum_is_refused(string text) => Assert.False(Address.TryParse(text, out _));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("0x")]
    [InlineData("0x52908400098527886E0F7030069857D2E4169EE")]
    [InlineData("0x52908400098527886E0F7030069857D2E4169EE77")]
    [InlineData("0x52908400098527886E0F7030069857D2E4169EEg")]
    [InlineData(" 0x52908400098527886E0F7030069857D2E4169EE")]
    public void Other_text_is_no_address(string? text)
    {
        Assert.False(Address.TryParse(text, out var address));
        Assert.True(address.IsZero);
    }

    [Fact]
    public void Addresses_sort_as_numbers()
    {
        var small = Address.Parse("0x00000000000000000000000000000000000000ff");
        var large = Address.Parse("0x0100000000000000000000000000000000000000");
        Assert.True(small < large && large > small && Address.Zero < small);
        Assert.True(small <= large && large >= small && !(large <= small));
        Assert.Equal([Address.Zero, small, large], new[] { large, Address.Zero, small }.Order());
    }
}
