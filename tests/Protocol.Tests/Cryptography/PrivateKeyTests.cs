using System.Numerics;

namespace Souk.Protocol.Tests.Cryptography;

public class PrivateKeyTests
{
    // The first account of the mnemonic that every Ethereum development chain starts with.
    private const string Known = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

    [Fact]
    public void The_address_is_that_of_the_public_key()
    {
        using var key = PrivateKey.FromBytes(Convert.FromHexString(Known));
        Assert.Equal("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", key.Address.ToString());
        Assert.Equal(key.Address, Address.FromPublicKey(key.PublicKey.Span));
    }

    [Fact]
    public void Text_never_shows_the_key()
    {
        using var key = PrivateKey.FromBytes(Convert.FromHexString(Known));
        Assert.DoesNotContain(Known[..8], $"{key}", StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Only_numbers_from_1_to_the_order_are_keys()
    {
        var order = Secp256k1Tests.Word(BigInteger.Parse(
            "0FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141",
            System.Globalization.NumberStyles.HexNumber)).ToBytes();
        Assert.Throws<ArgumentException>(() => PrivateKey.FromBytes(order));
        Assert.Throws<ArgumentException>(() => PrivateKey.FromBytes(new byte[32]));
        Assert.Throws<ArgumentException>(() => PrivateKey.FromBytes(new byte[31]));
        order[31]--;
        using var greatest = PrivateKey.FromBytes(order);
        Assert.False(greatest.Address.IsZero);
    }

    [Fact]
    public void A_disposed_key_signs_nothing()
    {
        var key = PrivateKey.FromBytes(Convert.FromHexString(Known));
        key.Dispose();
        Assert.Throws<ObjectDisposedException>(() => key.Sign(Bytes32.Zero));
        Assert.Throws<ObjectDisposedException>(() => key.CopyTo(new byte[32]));
    }

    [Fact]
    public void The_bytes_come_back_for_a_keystore()
    {
        using var key = PrivateKey.FromBytes(Convert.FromHexString(Known));
        var bytes = new byte[32];
        key.CopyTo(bytes);
        Assert.Equal(Known, Convert.ToHexStringLower(bytes));
    }
}
