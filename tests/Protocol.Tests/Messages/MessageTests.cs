using System.Text.Json;

namespace Souk.Protocol.Tests.Messages;

public class MessageTests
{
    private static readonly JsonElement File = Vectors.Read("protocol/messages.json");
    private static readonly SoukDomain Domain =
        new(File.GetProperty("chain_id").GetUInt64(), Address.Parse(File.Text("registry")));

    [Fact]
    public void Offers_have_the_hashes_and_signatures_of_the_reference() => Check<Offer>("offers", Offer.Type, 2);

    [Fact]
    public void Receipts_have_the_hashes_and_signatures_of_the_reference() =>
        Check<Receipt>("receipts", Receipt.Type, 2);

    [Fact]
    public void Acceptances_have_the_hashes_and_signatures_of_the_reference() =>
        Check<Acceptance>("acceptances", Acceptance.Type, 1);

    [Fact]
    public void Catalogues_have_the_hashes_and_signatures_of_the_reference() =>
        Check<CatalogueDocument>("catalogues", CatalogueDocument.Type, 1);

    [Fact]
    public void The_offer_hash_is_what_receipts_name()
    {
        var offer = SoukJson.ParseText<Offer>(Message("offers")).Value;
        var receipt = SoukJson.ParseText<Receipt>(Message("receipts")).Value;
        Assert.Equal(offer.Hash(Domain), receipt.OfferHash);
    }

    [Fact]
    public void Another_network_makes_another_signer()
    {
        using var key = Key();
        var signed = Signed.Sign(SoukJson.ParseText<Acceptance>(Message("acceptances")).Value, key, Domain);
        Assert.True(signed.IsSignedBy(key.Address, Domain));
        Assert.False(signed.IsSignedBy(key.Address, new SoukDomain(Domain.ChainId + 1, Domain.Contract)));
        Assert.False(signed.IsSignedBy(key.Address, new SoukDomain(Domain.ChainId, key.Address)));
    }

    [Fact]
    public void Changing_any_field_of_an_offer_changes_its_hash() => CheckEveryField<Offer>("offers");

    [Fact]
    public void Changing_any_field_of_a_receipt_changes_its_hash() => CheckEveryField<Receipt>("receipts");

    [Fact]
    public void A_catalogue_finds_digests_by_exact_name()
    {
        var catalogue = SoukJson.ParseText<CatalogueDocument>(Message("catalogues")).Value;
        Assert.Equal(2, catalogue.Find("llama-3.1-8b")!.Count);
        Assert.Null(catalogue.Find("LLAMA-3.1-8b"));
    }

    private static void Check<T>(string name, string type, int count)
        where T : class, ISoukMessage
    {
        using var key = Key();
        Assert.Equal(File.Word("separator"), Domain.Domain.Separator);
        Assert.Equal(count, File.GetProperty(name).GetArrayLength());
        foreach (var vector in File.GetProperty(name).EnumerateArray())
        {
            var parsed = SoukJson.ParseText<T>(vector.GetProperty("message").GetRawText());
            Assert.True(parsed.IsOk, parsed.Refusal?.Message);
            Assert.Equal(vector.Text("type"), type);
            Assert.Equal(vector.Word("struct_hash"), parsed.Value.StructHash());
            var signed = Signed.Sign(parsed.Value, key, Domain);
            Assert.Equal(vector.Word("digest"), signed.Digest(Domain));
            Assert.Equal(vector.Text("signature"), signed.Signature.ToString());
            Assert.Equal(File.Text("address"), signed.Signer(Domain).ToString());
            CheckText(vector.GetProperty("message"), signed);
        }
    }

    // What we write is, name for name and value for value, what the reference wrote.
    private static void CheckText<T>(JsonElement expected, Signed<T> signed)
        where T : class, ISoukMessage
    {
        using var written = JsonDocument.Parse(SoukJson.Serialize(signed));
        Assert.True(JsonElement.DeepEquals(Normal(expected), Normal(written.RootElement.GetProperty("message"))));
        var back = SoukJson.FromBase64Url<Signed<T>>(SoukJson.ToBase64Url(signed)).Value;
        Assert.Equal(signed.Digest(Domain), back.Digest(Domain));
        Assert.Equal(signed.Signature, back.Signature);
    }

    // Minus zero and zero are one number; JSON's 1 and 1.0 too.
    private static JsonElement Normal(JsonElement element) =>
        JsonDocument.Parse(element.GetRawText().Replace("-0.0", "0", StringComparison.Ordinal)
            .Replace("\"min_p\":-0", "\"min_p\":0", StringComparison.Ordinal)).RootElement;

    private static void CheckEveryField<T>(string name)
        where T : class, ISoukMessage
    {
        var json = System.Text.Json.Nodes.JsonNode.Parse(Message(name))!.AsObject();
        var original = SoukJson.ParseText<T>(json.ToJsonString()).Value.StructHash();
        var hashes = new HashSet<Bytes32> { original };
        foreach (var (field, value) in json.ToArray())
        {
            var changed = json.DeepClone().AsObject();
            changed[field] = Changed(field, value!);
            var parsed = SoukJson.ParseText<T>(changed.ToJsonString());
            Assert.True(parsed.IsOk, $"{field}: {parsed.Refusal?.Message}");
            Assert.True(hashes.Add(parsed.Value.StructHash()), field);
        }
    }

    private static System.Text.Json.Nodes.JsonNode Changed(string field, System.Text.Json.Nodes.JsonNode value) =>
        (field, value.GetValueKind()) switch
        {
            ("counting", _) => "usage",
            ("key_source", _) => "continued",
            ("endpoint", _) => "https://other.example",
            ("features", _) => new System.Text.Json.Nodes.JsonArray("json", "seed", "tools", "vision"),
            ("sampling", _) => Warmer(value),
            ("request_id", _) => "ffffffffffffffffffffffffffffffff",
            (_, JsonValueKind.Number) => value.GetValue<long>() + 1,
            _ when value.GetValue<string>() is { Length: 66 } => Bytes32.Parse(new string('e', 64)).ToString(),
            _ when Address.TryParse(value.GetValue<string>(), out var _) =>
                Address.Parse(new string('e', 40)).ToString(),
            _ when Amount.TryParse(value.GetValue<string>(), out var amount) =>
                (amount + Amount.Parse("1")).ToString(),
            _ => value.GetValue<string>() + "x",
        };

    private static System.Text.Json.Nodes.JsonObject Warmer(System.Text.Json.Nodes.JsonNode sampling)
    {
        var warmer = sampling.DeepClone().AsObject();
        warmer["temperature"] = 0.8;
        return warmer;
    }

    private static string Message(string name) => File.GetProperty(name)[0].GetProperty("message").GetRawText();

    private static PrivateKey Key() => PrivateKey.FromBytes(Vectors.Hex(File.Text("private_key")));
}
