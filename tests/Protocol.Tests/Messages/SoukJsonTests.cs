using System.Text;
using System.Text.Json.Nodes;

namespace Souk.Protocol.Tests.Messages;

public class SoukJsonTests
{
    private static readonly string OfferText =
        Vectors.Read("protocol/messages.json").GetProperty("offers")[0].GetProperty("message").GetRawText();

    private static readonly string ReceiptText =
        Vectors.Read("protocol/messages.json").GetProperty("receipts")[0].GetProperty("message").GetRawText();

    [Fact]
    public void A_message_too_large_is_refused_unread()
    {
        var refusal = SoukJson.ParseText<Offer>(OfferText, maxBytes: 100).Refusal!;
        Assert.Equal((Fault.Theirs, "message_malformed"), (refusal.Fault, refusal.Code));
        Assert.NotNull(SoukJson.Parse<Offer>(new byte[100_000]).Refusal);
        Assert.NotNull(SoukJson.FromBase64Url<Offer>(new string('A', 200_000)).Refusal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"provider\":")]
    [InlineData("\"x\"")]
    public void What_is_not_the_message_is_refused(string json)
    {
        Assert.Equal(Fault.Theirs, SoukJson.ParseText<Offer>(json).Refusal!.Fault);
        Assert.Equal(Fault.Theirs, SoukJson.ParseText<Signed<Receipt>>(json).Refusal!.Fault);
        Assert.Equal(Fault.Theirs, SoukJson.ParseText<Voucher>(json).Refusal!.Fault);
    }

    [Fact]
    public void Every_field_is_required()
    {
        foreach (var field in JsonNode.Parse(OfferText)!.AsObject().Select(pair => pair.Key))
        {
            Assert.NotNull(SoukJson.ParseText<Offer>(Without(OfferText, field)).Refusal);
        }

        foreach (var field in JsonNode.Parse(ReceiptText)!.AsObject().Select(pair => pair.Key))
        {
            Assert.NotNull(SoukJson.ParseText<Receipt>(Without(ReceiptText, field)).Refusal);
        }
    }

    [Fact]
    public void A_null_is_no_value()
    {
        foreach (var field in JsonNode.Parse(OfferText)!.AsObject().Select(pair => pair.Key))
        {
            Assert.NotNull(SoukJson.ParseText<Offer>(With(OfferText, field, null)).Refusal);
        }

        foreach (var field in JsonNode.Parse(ReceiptText)!.AsObject().Select(pair => pair.Key))
        {
            Assert.NotNull(SoukJson.ParseText<Receipt>(With(ReceiptText, field, null)).Refusal);
        }

        var empty = OfferText.Replace("\"json\"", "null", StringComparison.Ordinal);
        Assert.NotNull(SoukJson.ParseText<Offer>(empty).Refusal);
    }

    [Fact]
    public void A_signature_under_nothing_is_refused()
    {
        var signature = "0x" + new string('1', 128) + "1b";
        foreach (var message in new[] { "null", "{}", "[]", "1" })
        {
            var json = $"{{\"message\":{message},\"signature\":\"{signature}\"}}";
            Assert.NotNull(SoukJson.ParseText<Signed<Offer>>(json).Refusal);
            Assert.NotNull(SoukJson.ParseText<Signed<Receipt>>(json).Refusal);
            Assert.NotNull(SoukJson.ParseText<Signed<Acceptance>>(json).Refusal);
            Assert.NotNull(SoukJson.ParseText<Signed<CatalogueDocument>>(json).Refusal);
        }

        Assert.NotNull(SoukJson.ParseText<Signed<Offer>>($"{{\"message\":{OfferText}}}").Refusal);
        var signed = $"{{\"message\":{OfferText},\"signature\":\"{signature}\"}}";
        Assert.True(SoukJson.ParseText<Signed<Offer>>(signed).IsOk);
        var flawed = $"{{\"message\":{With(OfferText, "context", 0)},\"signature\":\"{signature}\"}}";
        Assert.NotNull(SoukJson.ParseText<Signed<Offer>>(flawed).Refusal);
    }

    [Fact]
    public void A_repeated_name_is_refused()
    {
        var repeated = OfferText.TrimEnd().TrimEnd('}') + ",\"sequence\":8}";
        Assert.NotNull(SoukJson.ParseText<Offer>(repeated).Refusal);
    }

    [Fact]
    public void An_unknown_name_is_passed_over()
    {
        var newer = With(OfferText, "from_a_later_version", "x");
        Assert.Equal(SoukJson.ParseText<Offer>(OfferText).Value, SoukJson.ParseText<Offer>(newer).Value);
    }

    [Theory]
    [InlineData("input_price", 5)]
    [InlineData("input_price", "-5")]
    [InlineData("input_price", "1.5")]
    [InlineData("context", "131072")]
    [InlineData("context", 1.5)]
    [InlineData("context", 0)]
    [InlineData("context", -1)]
    [InlineData("max_output", 0)]
    [InlineData("slice_least", 0)]
    [InlineData("slice_greatest", 1)]
    [InlineData("concurrency", -1)]
    [InlineData("withdraw_delay", 899)]
    [InlineData("withdraw_delay", 2_592_001)]
    [InlineData("expiry", 1_780_000_000)]
    [InlineData("counting", "guess")]
    [InlineData("endpoint", "ftp://node.example")]
    [InlineData("endpoint", "node.example")]
    [InlineData("endpoint", "https://user:pass@node.example")]
    [InlineData("endpoint", "https://node.example?x=1")]
    [InlineData("model_digest", "0x12")]
    [InlineData("provider", "0x12")]
    public void An_offer_out_of_bounds_is_refused(string field, object value) =>
        Assert.Equal(Fault.Theirs, SoukJson.ParseText<Offer>(With(OfferText, field, value)).Refusal!.Fault);

    [Fact]
    public void Features_are_few_sorted_and_unique()
    {
        foreach (var features in new string[][]
        {
            ["b", "a"], ["a", "a"], [""], [new string('x', 65)],
            [.. Enumerable.Range(0, 65).Select(i => $"f{i:00}")],
        })
        {
            Assert.NotNull(SoukJson.ParseText<Offer>(With(OfferText, "features", features)).Refusal);
        }
    }

    [Fact]
    public void Long_texts_are_refused()
    {
        foreach (var field in new[]
        {
            "numerics", "public_name", "region", "hardware", "engine", "sampler", "data_policy", "endpoint",
        })
        {
            var text = (field == "endpoint" ? "https://" : "") + new string('x', 600);
            Assert.NotNull(SoukJson.ParseText<Offer>(With(OfferText, field, text)).Refusal);
        }
    }

    [Fact]
    public void A_receipt_out_of_bounds_is_refused()
    {
        Assert.NotNull(SoukJson.ParseText<Receipt>(With(ReceiptText, "key_source", "mine")).Refusal);
        Assert.NotNull(SoukJson.ParseText<Receipt>(With(ReceiptText, "finish_reason", new string('x', 33))).Refusal);
        Assert.NotNull(SoukJson.ParseText<Receipt>(With(ReceiptText, "cumulative", "696")).Refusal);
        var hot = JsonNode.Parse(ReceiptText)!;
        hot["sampling"]!["temperature"] = 101;
        Assert.NotNull(SoukJson.ParseText<Receipt>(hot.ToJsonString()).Refusal);
    }

    [Fact]
    public void A_flawed_message_is_not_signed()
    {
        using var key = PrivateKey.FromBytes(Sha.Hash("k"u8).ToBytes());
        var offer = SoukJson.ParseText<Offer>(OfferText).Value with { Context = 0 };
        Assert.Throws<ArgumentException>(() => Signed.Sign(offer, key, new SoukDomain(1, Address.Zero)));
    }

    [Fact]
    public void A_seed_is_text_since_it_may_exceed_53_bits()
    {
        var seeded = SoukJson.ParseText<SamplingParameters>(SoukJson.ToText(
            SamplingParameters.Default with { Seed = long.MinValue })).Value;
        Assert.Equal(long.MinValue, seeded.Seed);
        Assert.Contains("\"seed\":\"-9223372036854775808\"", SoukJson.ToText(seeded));
        Assert.Contains("\"seed\":null", SoukJson.ToText(SamplingParameters.Default));
        Assert.Null(SoukJson.ParseText<SamplingParameters>(SoukJson.ToText(SamplingParameters.Default)).Value.Seed);
    }

    [Fact]
    public void A_manifest_with_an_unfit_path_is_refused()
    {
        var json = "{\"files\":[{\"path\":\"../x\",\"sha256\":\"" + new string('a', 64)
            + "\",\"size\":1}],\"numerics\":\"\"}";
        Assert.Equal(Fault.Theirs, SoukJson.ParseText<ModelManifest>(json).Refusal!.Fault);
        Assert.True(SoukJson.ParseText<ModelManifest>(json.Replace("../x", "x", StringComparison.Ordinal)).IsOk);
    }

    [Fact]
    public void Base64url_that_is_none_is_refused() =>
        Assert.NotNull(SoukJson.FromBase64Url<Offer>("not base64!").Refusal);

    [Fact]
    public void Text_that_is_not_UTF_8_is_refused() =>
        Assert.NotNull(SoukJson.Parse<Offer>(Encoding.Latin1.GetBytes(OfferText.Replace("eu-west", "é"))).Refusal);

    private static string Without(string json, string field)
    {
        var message = JsonNode.Parse(json)!.AsObject();
        message.Remove(field);
        return message.ToJsonString();
    }

    private static string With(string json, string field, object? value)
    {
        var message = JsonNode.Parse(json)!.AsObject();
        message[field] = value switch
        {
            null => null,
            int number => number,
            double number => number,
            string[] texts => new JsonArray([.. texts.Select(text => (JsonNode)text)]),
            _ => (string)value,
        };
        return message.ToJsonString();
    }
}
