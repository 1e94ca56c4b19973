using System.Text.Json;

namespace Souk.Protocol.Tests.Channels;

public class ChannelTests
{
    private static readonly JsonElement File = Vectors.Read("protocol/channels.json");
    private static readonly ulong ChainId = File.GetProperty("chain_id").GetUInt64();
    private static readonly EscrowDomain Escrow = new(ChainId, Address.Parse(File.Text("escrow")));
    private static readonly SoukDomain Vault = new(ChainId, Address.Parse(File.Text("vault")));
    private static readonly SoukDomain Registry = new(ChainId, Address.Parse(File.Text("registry")));

    [Fact]
    public void Keys_have_the_addresses_that_the_reference_computes()
    {
        foreach (var name in new[] { "hot", "authorizer", "node" })
        {
            using var key = Key(name);
            Assert.Equal(File.GetProperty("keys").GetProperty(name).Text("address"), key.Address.ToString());
        }
    }

    [Fact]
    public void A_channel_is_the_hash_of_its_configuration()
    {
        var channel = File.GetProperty("channel");
        var config = Config();
        Assert.Equal(ChannelConfig.Type, channel.Text("type"));
        Assert.Equal(File.Word("escrow_separator"), Escrow.Domain.Separator);
        Assert.Equal(channel.Word("struct_hash"), config.StructHash());
        Assert.Equal(channel.Word("id"), config.Id(Escrow));
        Assert.NotEqual(config.Id(Escrow), config.Id(Escrow with { ChainId = 1 }));
        Assert.NotEqual(config.Id(Escrow), config.Id(new EscrowDomain(1, Escrow.Escrow)));
        Assert.NotEqual(config.Id(Escrow), (config with { WithdrawDelay = 3601 }).Id(Escrow));
    }

    [Fact]
    public void A_voucher_is_signed_by_the_hot_key()
    {
        using var key = Key("hot");
        var voucher = Voucher.Sign(key, Escrow, Config().Id(Escrow), Amount.Parse("900000"));
        Check("voucher", Voucher.Type, Voucher.Digest(Escrow, voucher.ChannelId, voucher.MaxClaimable),
            voucher.Signature);
        Assert.Equal(key.Address, voucher.Signer(Escrow));
        Assert.NotEqual(key.Address, (voucher with { MaxClaimable = Amount.Parse("900001") }).Signer(Escrow));
        Assert.NotEqual(key.Address, voucher.Signer(new EscrowDomain(1, Escrow.Escrow)));
    }

    [Fact]
    public void A_claim_batch_is_signed_over_its_rows_in_order()
    {
        using var key = Key("authorizer");
        var entries = File.GetProperty("claim_batch").GetProperty("message").EnumerateArray()
            .Select(row => new ClaimEntry(
                row.Word("channel_id"),
                Amount.Parse(row.Text("max_claimable")),
                Amount.Parse(row.Text("total_claimed"))))
            .ToArray();
        Assert.Equal(2, entries.Length);
        Check("claim_batch", ClaimBatch.Type, ClaimBatch.Digest(Escrow, entries),
            ClaimBatch.Sign(key, Escrow, entries));
        Assert.NotEqual(ClaimBatch.Digest(Escrow, entries), ClaimBatch.Digest(Escrow, [.. entries.Reverse()]));
    }

    [Fact]
    public void A_refund_is_signed_with_its_nonce()
    {
        using var key = Key("authorizer");
        var channel = Config().Id(Escrow);
        var amount = Amount.Parse("50000");
        Check("refund", RefundAuthorisation.Type, RefundAuthorisation.Digest(Escrow, channel, 3, amount),
            RefundAuthorisation.Sign(key, Escrow, channel, 3, amount));
    }

    [Fact]
    public void A_draw_is_signed_for_the_vault()
    {
        using var key = Key("hot");
        var message = File.GetProperty("draw").GetProperty("message");
        var draw = new DrawAuthorisation(message.Word("channel_id"), Amount.Parse(message.Text("amount")),
            message.Word("nonce"), message.GetProperty("deadline").GetUInt64());
        Check("draw", DrawAuthorisation.Type, draw.Digest(Vault), draw.Sign(key, Vault));
    }

    [Fact]
    public void Relayed_calls_are_signed_for_one_contract()
    {
        using var key = Key("hot");
        var message = File.GetProperty("relay").GetProperty("message");
        var calls = message.GetProperty("calls").EnumerateArray()
            .Select(call => new ReadOnlyMemory<byte>(Vectors.Hex(call.GetString()!))).ToArray();
        var relay = new RelayAuthorisation(Address.Parse(message.Text("account")), calls, message.Word("nonce"),
            message.GetProperty("deadline").GetUInt64());
        Check("relay", RelayAuthorisation.Type, relay.Digest(Vault), relay.Sign(key, Vault));
    }

    [Fact]
    public void A_node_key_proves_itself_to_the_registry()
    {
        using var key = Key("node");
        var provider = Address.Parse(File.GetProperty("node_key").GetProperty("message").Text("provider"));
        Check("node_key", NodeKeyProof.Type, NodeKeyProof.Digest(Registry, provider, key.Address),
            NodeKeyProof.Sign(key, Registry, provider));
    }

    private static void Check(string name, string type, Bytes32 digest, Signature signature)
    {
        var vector = File.GetProperty(name);
        Assert.Equal(vector.Text("type"), type);
        Assert.Equal(vector.Word("digest"), digest);
        Assert.Equal(vector.Text("signature"), signature.ToString());
    }

    private static PrivateKey Key(string name) =>
        PrivateKey.FromBytes(Vectors.Hex(File.GetProperty("keys").GetProperty(name).Text("private_key")));

    private static ChannelConfig Config() =>
        SoukJson.ParseText<ChannelConfig>(File.GetProperty("channel").GetProperty("config").GetRawText()).Value;
}
