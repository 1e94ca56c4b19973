using System.Text.Json.Nodes;

namespace Souk.Protocol.Tests.Networks;

public class NetworkFileTests
{
    private const string Text = """
        {
          // What `up` writes for itself.
          "chain_id": 31337,
          "rpc_urls": ["http://127.0.0.1:8545"],
          "escrow": "0x1111111111111111111111111111111111111111",
          "registry": "0x2222222222222222222222222222222222222222",
          "vault_factory": "0x3333333333333333333333333333333333333333",
          "currency": "0x4444444444444444444444444444444444444444",
          "currency_decimals": 6,
          "block_time": 1,
          "confirmations": 1,
          "max_head_age": 10,
          "catalogue": "catalogue.json",
          "catalogue_signer": "0x5555555555555555555555555555555555555555",
          "indexers": ["http://127.0.0.1:9000", "https://indexer.example"],
          "erc3009_collector": "0x6666666666666666666666666666666666666666",
        }
        """;

    [Fact]
    public void A_network_file_reads_and_writes()
    {
        var file = NetworkFile.Parse(Text).Value;
        Assert.Equal((31337UL, 6, 1.0, 1, 10), (
            file.ChainId, file.CurrencyDecimals, file.BlockTime, file.Confirmations, file.MaxHeadAge));
        Assert.Equal(new EscrowDomain(31337, file.Escrow), file.EscrowDomain);
        Assert.Equal(new SoukDomain(31337, file.Registry), file.SoukDomain);
        var back = NetworkFile.Parse(file.ToJson()).Value;
        Assert.Equal(file.ToJson(), back.ToJson());
        Assert.Equal(file.Indexers, back.Indexers);
        Assert.Equal(file.CatalogueSigner, back.CatalogueSigner);
        Assert.Equal(Address.Parse("0x6666666666666666666666666666666666666666"), back.Erc3009Collector);
    }

    [Fact]
    public void Catalogue_indexers_and_collector_may_be_left_out()
    {
        var json = JsonNode.Parse(Text, documentOptions: new()
        {
            CommentHandling = System.Text.Json.JsonCommentHandling.Skip, AllowTrailingCommas = true,
        })!.AsObject();
        json.Remove("catalogue");
        json["catalogue_signer"] = null;
        json.Remove("indexers");
        json.Remove("erc3009_collector");
        var file = NetworkFile.Parse(json.ToJsonString()).Value;
        Assert.Null(file.Catalogue);
        Assert.Null(file.CatalogueSigner);
        Assert.Empty(file.Indexers);
        Assert.Null(file.Erc3009Collector);
    }

    [Fact]
    public void Every_error_is_reported_at_once()
    {
        var refusal = NetworkFile.Parse("""
            {
              "chain_id": 0, "rpc_urls": [], "escrow": "0x12",
              "registry": "0x0000000000000000000000000000000000000000",
              "currency": 5, "currency_decimals": 39, "block_time": 0, "confirmations": "1", "max_head_age": 10,
              "catalogue": "x", "indexers": ["nowhere"], "blockTime": 1
            }
            """).Refusal!;
        Assert.Equal("network_file_invalid", refusal.Code);
        foreach (var field in new[]
        {
            "chain_id must", "rpc_urls must", "escrow must", "registry must", "vault_factory is missing",
            "currency must",
            "currency_decimals must", "block_time must", "confirmations must", "catalogue and catalogue_signer",
            "indexers[0] must", "blockTime is not a field",
        })
        {
            Assert.Contains(field, refusal.Message);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"chain_id\":1,\"chain_id\":2}")]
    public void What_is_no_object_is_refused(string text) =>
        Assert.Equal("network_file_invalid", NetworkFile.Parse(text).Refusal!.Code);

    [Fact]
    public void A_huge_file_is_refused_unread() =>
        Assert.Contains("larger", NetworkFile.Parse(new string(' ', 70_000)).Refusal!.Message);
}
