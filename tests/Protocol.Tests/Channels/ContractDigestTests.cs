using System.Text.Json;

namespace Souk.Protocol.Tests.Channels;

/// <summary>What viem computed and the contracts' own tests hold the deployed code to.</summary>
public class ContractDigestTests
{
    private static readonly JsonElement File = Vectors.Read("contracts/digests.json");
    private static readonly ulong ChainId = File.GetProperty("chainId").GetUInt64();
    private static readonly EscrowDomain Escrow = new(ChainId, Account(File, "escrow"));
    private static readonly SoukDomain Vault = new(ChainId, Account(File, "vault"));
    private static readonly SoukDomain Registry = new(ChainId, Account(File, "registry"));

    [Fact]
    public void The_channel_is_viems()
    {
        var c = File.GetProperty("channel");
        var config = new ChannelConfig(Account(c, "payer"), Account(c, "payerAuthorizer"), Account(c, "receiver"),
            Account(c, "receiverAuthorizer"), Account(c, "token"), c.GetProperty("withdrawDelay").GetUInt32(),
            c.Word("salt"));
        Assert.Equal(c.Word("id"), config.Id(Escrow));
    }

    [Fact]
    public void The_voucher_is_viems()
    {
        var m = Message("voucher");
        var (channel, ceiling) = (m.Word("channelId"), Money(m, "maxClaimableAmount"));
        Check("voucher", "voucherSigner", Voucher.Digest(Escrow, channel, ceiling));
        using var key = Key("voucherSigner");
        Assert.Equal(
            File.GetProperty("voucher").Text("signature"), Voucher.Sign(key, Escrow, channel, ceiling)
                .Signature.ToString());
    }

    [Fact]
    public void The_refund_is_viems()
    {
        var m = Message("refund");
        var nonce = UInt128.Parse(m.Text("nonce"));
        Check("refund", "authorizer",
            RefundAuthorisation.Digest(Escrow, m.Word("channelId"), nonce, Money(m, "amount")));
    }

    [Fact]
    public void The_claim_batch_is_viems()
    {
        var rows = Message("claimBatch").GetProperty("claims").EnumerateArray().Select(row => new ClaimEntry(
            row.Word("channelId"), Money(row, "maxClaimableAmount"), Money(row, "totalClaimed"))).ToArray();
        Check("claimBatch", "authorizer", ClaimBatch.Digest(Escrow, rows));
    }

    [Fact]
    public void The_draw_is_viems()
    {
        var m = Message("draw");
        var draw = new DrawAuthorisation(m.Word("channelId"), Money(m, "amount"), m.Word("nonce"), Deadline(m));
        Check("draw", "voucherSigner", draw.Digest(Vault));
    }

    [Fact]
    public void The_relay_is_viems()
    {
        var m = Message("relay");
        var calls = m.GetProperty("calls").EnumerateArray()
            .Select(call => new ReadOnlyMemory<byte>(Vectors.Hex(call.GetString()!))).ToArray();
        var relay = new RelayAuthorisation(Account(m, "account"), calls, m.Word("nonce"), Deadline(m));
        Check("relay", "owner", relay.Digest(Vault));
    }

    [Fact]
    public void The_node_key_proof_is_viems()
    {
        var m = Message("nodeKey");
        Check("nodeKey", "node", NodeKeyProof.Digest(Registry, Account(m, "provider"), Account(m, "node")));
    }

    private static void Check(string name, string signer, Bytes32 digest)
    {
        var vector = File.GetProperty(name);
        using var key = Key(signer);
        Assert.Equal(vector.Word("digest"), digest);
        Assert.Equal(vector.Text("signature"), key.Sign(digest).ToString());
        Assert.Equal(Account(vector, "signer"), Secp256k1.Recover(digest, Signature.Parse(vector.Text("signature"))));
    }

    private static PrivateKey Key(string name) =>
        PrivateKey.FromBytes(Vectors.Hex(File.GetProperty("keys").Text(name)));

    private static JsonElement Message(string name) => File.GetProperty(name).GetProperty("message");

    private static Address Account(JsonElement element, string name) => Address.Parse(element.Text(name));

    private static Amount Money(JsonElement element, string name) => Amount.Parse(element.Text(name));

    private static ulong Deadline(JsonElement message) => ulong.Parse(message.Text("deadline"));
}
