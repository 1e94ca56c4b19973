using System.Text;
using System.Text.Json.Nodes;
using CsCheck;

namespace Souk.Protocol.Tests.Messages;

/// <summary>Whatever a peer sends, reading it ends in a value or a refusal.</summary>
public class HostileJsonTests
{
    private static readonly string[] Texts =
    [
        Message("offers"), Message("receipts"), Message("acceptances"), Message("catalogues"),
        $"{{\"message\":{Message("offers")},\"signature\":\"0x{new string('1', 128)}1b\"}}",
        Vectors.Read("protocol/manifest.json")[1].GetProperty("manifest").GetRawText(),
    ];

    private static readonly string[] Junk =
    [
        "null", "true", "0", "-1", "1e400", "1.5", "99999999999999999999", "\"\"", "\"\\ud800\"", "\"x\"", "[]",
        "[null]",
        "[[]]", "{}", "[{}]", "\"0x\"",
    ];

    private static readonly Gen<string> AnyText = Gen.Int[0, Texts.Length - 1].Select(i => Texts[i]);
    private static readonly Gen<string> AnyJunk = Gen.Int[0, Junk.Length - 1].Select(i => Junk[i]);

    [Fact]
    public void No_bytes_make_reading_throw() =>
        Gen.Select(AnyText, Gen.Select(Gen.Int[0, 20_000], Gen.Byte).Array[1, 5]).Sample((text, changes) =>
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            foreach (var (at, value) in changes)
            {
                bytes[at % bytes.Length] = value;
            }

            ReadAsAnything(bytes);
        }, iter: 3000);

    [Fact]
    public void No_value_in_any_place_makes_reading_throw() =>
        Gen.Select(AnyText, Gen.Int[0, 10_000], AnyJunk).Sample((text, place, junk) =>
        {
            var root = JsonNode.Parse(text)!;
            var places = Places(root).ToArray();
            var chosen = places[place % places.Length];
            var marker = JsonValue.Create("@junk@");
            if (chosen.Parent is JsonObject parent)
            {
                parent[chosen.GetPropertyName()] = marker;
            }
            else
            {
                ((JsonArray)chosen.Parent!)[chosen.GetElementIndex()] = marker;
            }

            ReadAsAnything(Encoding.UTF8.GetBytes(
                root.ToJsonString().Replace("\"@junk@\"", junk, StringComparison.Ordinal)));
        }, iter: 3000);

    [Fact]
    public void Depth_is_bounded()
    {
        var deep = Encoding.UTF8.GetBytes(new string('[', 20_000));
        ReadAsAnything(deep);
        Assert.NotNull(SoukJson.Parse<Offer>(deep).Refusal);
    }

    private static void ReadAsAnything(byte[] bytes)
    {
        _ = SoukJson.Parse<Signed<Offer>>(bytes);
        Check(SoukJson.Parse<Offer>(bytes));
        Check(SoukJson.Parse<Receipt>(bytes));
        Check(SoukJson.Parse<Acceptance>(bytes));
        Check(SoukJson.Parse<CatalogueDocument>(bytes));
        Check(SoukJson.Parse<ModelManifest>(bytes));
        _ = NetworkFile.Parse(bytes);
    }

    // What was read can be hashed.
    private static void Check<T>(Result<T> result)
    {
        if (result.IsOk && result.Value is ISoukMessage message)
        {
            message.StructHash();
        }
    }

    private static IEnumerable<JsonNode> Places(JsonNode root) => root switch
    {
        JsonObject o => o.Select(pair => pair.Value).OfType<JsonNode>()
            .SelectMany(child => Places(child).Prepend(child)),
        JsonArray a => a.OfType<JsonNode>().SelectMany(child => Places(child).Prepend(child)),
        _ => [],
    };

    private static string Message(string name) =>
        Vectors.Read("protocol/messages.json").GetProperty(name)[0].GetProperty("message").GetRawText();
}
