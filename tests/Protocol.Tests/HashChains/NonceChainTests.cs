namespace Souk.Protocol.Tests.HashChains;

public class NonceChainTests
{
    [Fact]
    public void Nonces_are_those_of_the_reference()
    {
        var file = Vectors.Read("protocol/nonce_chain.json");
        var chain = new NonceChain(file.Word("secret"), file.GetProperty("length").GetInt32());
        Assert.Equal(file.Word("anchor"), chain.Anchor);
        Assert.All(file.GetProperty("nonces").EnumerateArray(), row =>
            Assert.Equal(row.Word("nonce"), chain.Nonce(row.GetProperty("index").GetUInt64())));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(200)]
    public void Every_nonce_hashes_back_to_the_one_before(int length)
    {
        var chain = new NonceChain(Sha.Hash("secret"u8), length);
        var known = chain.Anchor;
        for (var i = 1UL; i <= (ulong)length; i++)
        {
            var nonce = chain.Nonce(i);
            Assert.True(NonceChain.Verify(nonce, i, known, i - 1));
            Assert.True(NonceChain.Verify(nonce, i, chain.Anchor, 0));
            known = nonce;
        }

        Assert.Equal(Sha.Hash("secret"u8), known);
    }

    [Fact]
    public void Skipped_nonces_still_verify()
    {
        var chain = new NonceChain(Sha.Hash("secret"u8));
        Assert.True(NonceChain.Verify(chain.Nonce(900), 900, chain.Nonce(17), 17));
        Assert.False(NonceChain.Verify(chain.Nonce(900), 901, chain.Nonce(17), 17));
        Assert.False(NonceChain.Verify(chain.Nonce(17), 17, chain.Nonce(17), 17));
        Assert.False(NonceChain.Verify(chain.Nonce(16), 16, chain.Nonce(17), 17));
        Assert.False(NonceChain.Verify(Sha.Hash("other"u8), 18, chain.Nonce(17), 17));
    }

    [Fact]
    public void A_hostile_index_costs_no_hashing() =>
        Assert.False(NonceChain.Verify(Bytes32.Zero, ulong.MaxValue, Bytes32.Zero, 0));

    [Fact]
    public void A_spent_chain_has_no_more_nonces()
    {
        var chain = new NonceChain(Sha.Hash("secret"u8));
        Assert.Throws<ArgumentOutOfRangeException>(() => chain.Nonce(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => chain.Nonce(4097));
        Assert.Throws<ArgumentOutOfRangeException>(() => chain.Nonce(ulong.MaxValue));
    }
}
