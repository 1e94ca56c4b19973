using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Souk.EndToEnd.Processes;

namespace Souk.EndToEnd.Reading;

/// <summary>
/// What both ledgers of a data folder say was charged, by channel, added up here from their receipts, and whether
/// chain, vault and API keys agree with it to the unit.
/// </summary>
internal sealed class Books
{
    private readonly string _data;
    private readonly JsonElement _network;

    public Books(string data)
    {
        _data = data;
        _network = JsonDocument.Parse(File.ReadAllText(Path.Combine(data, "network.json"))).RootElement;
        Gateway = LedgerReader.Read(Path.Combine(data, "gateway.ledger"));
        Provider = LedgerReader.Read(Path.Combine(data, "provider.ledger"));
    }

    public IReadOnlyList<RawRow> Gateway { get; }

    public IReadOnlyList<RawRow> Provider { get; }

    /// <summary>Sum of charges by channel, from one ledger's receipts of a kind.</summary>
    public static SortedDictionary<string, BigInteger> Charges(IEnumerable<RawRow> rows, string kind)
    {
        SortedDictionary<string, BigInteger> sums = new(StringComparer.Ordinal);
        foreach (var row in rows.Where(row => row.Kind == kind))
        {
            var receipt = row.Body.GetProperty("receipt").GetProperty("message");
            var channel = receipt.GetProperty("channel_id").GetString()!;
            sums[channel] = sums.GetValueOrDefault(channel) + Number(receipt.GetProperty("charge"));
        }

        return sums;
    }

    /// <summary>An integer that JSON carries as text or as a number.</summary>
    public static BigInteger Number(JsonElement value) => BigInteger.Parse(
        value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText(),
            CultureInfo.InvariantCulture);

    /// <summary>
    /// Holds everything against everything, after the provider has claimed and settled all it had earned.
    /// </summary>
    public async Task CheckAsync(SoukProcess up)
    {
        var signed = Charges(Provider, "receipt_signed");
        Assert.NotEmpty(signed);
        Assert.Equal(signed.Where(sum => !sum.Value.IsZero),
            Charges(Gateway, "receipt_received").Where(sum => !sum.Value.IsZero));
        Assert.DoesNotContain(Gateway, row => row.Kind is "channel_frozen" or "loss_booked");
        Assert.DoesNotContain(Provider, row => row.Kind is "loss_booked");
        var (escrow, currency) = (Text("escrow"), Text("currency"));
        using var chain = new ChainReader(up.RpcUrl);
        // A channel may be opened at any time: its draw is in the ledger before its money is on the chain.
        await chain.FixAsync();
        var rows = LedgerReader.Read(Path.Combine(_data, "gateway.ledger"));
        var (held, claimed) = (BigInteger.Zero, BigInteger.Zero);
        foreach (var channel in rows.Where(row => row.Kind == "draw_signed").Select(row => row.Key).Distinct())
        {
            var state = await chain.ChannelAsync(escrow, channel);
            Assert.Equal(signed.GetValueOrDefault(channel), state.Claimed);
            held += state.Balance;
            claimed += state.Claimed;
        }

        var payout = Gateway.First(row => row.Kind == "draw_signed").Body.GetProperty("config").GetProperty("receiver")
            .GetString()!;
        var earned = signed.Values.Aggregate(BigInteger.Zero, static (sum, charge) => sum + charge);
        Assert.Equal(earned, claimed);
        Assert.Equal((earned, earned), await chain.ReceiverAsync(escrow, payout, currency));
        Assert.Equal(earned, await chain.CurrencyAsync(currency, payout));
        Assert.Equal(held - earned, await chain.CurrencyAsync(currency, escrow));
        await CheckCustomerAsync(up, chain, currency, held, earned);
    }

    private async Task CheckCustomerAsync(
        SoukProcess up, ChainReader chain, string currency, BigInteger held, BigInteger earned)
    {
        using var admin = new AdminReader(up.AdminUrl, up.AdminToken);
        var vault = (await admin.GetAsync("/admin/v1/deposit")).GetProperty("address").GetString()!;
        Assert.Equal(1_000_000_000 - held, await chain.CurrencyAsync(currency, vault));
        // Bills are the charges of what apps asked, except where an app was told that it pays nothing.
        var billed = Gateway.Where(row => row.Kind == "budget_charged")
            .Aggregate(BigInteger.Zero, (sum, row) => sum + Number(row.Body.GetProperty("charged")));
        Assert.True(billed <= earned, $"apps were billed {billed}, more than the {earned} charged");
        var keys = (await admin.GetAsync("/admin/v1/keys")).GetProperty("keys").EnumerateArray().ToList();
        Assert.Equal(billed, keys.Aggregate(BigInteger.Zero, (sum, key) =>
            sum + AdminReader.Units(key.GetProperty("spent").GetString()!)));
        Assert.All(keys, key => Assert.Equal(0, AdminReader.Units(key.GetProperty("reserved").GetString()!)));
    }

    private string Text(string name) => _network.GetProperty(name).GetString()!;
}
