using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Souk.Kills;

/// <summary>
/// Both ledgers as they lie on the disk, added up here, and whether what they and the apps were told agree. Shares no
/// code with what wrote them.
/// </summary>
internal sealed class Accounts
{
    private readonly IReadOnlyList<RawRow> _gateway;
    private readonly IReadOnlyList<RawRow> _provider;
    private readonly Dictionary<string, JsonElement> _signed;
    private readonly Dictionary<string, JsonElement> _received;
    private readonly Dictionary<string, BigInteger> _charged;
    private readonly Dictionary<string, JsonElement> _offers;

    public Accounts(KilledNetwork network)
    {
        // The gateway's is read first: whatever the provider had promised by then is in the provider's already.
        _gateway = LedgerReader.Read(network.GatewayLedger);
        _provider = LedgerReader.Read(network.ProviderLedger);
        _signed = Receipts(_provider, "receipt_signed");
        _received = Receipts(_gateway, "receipt_received");
        // ToDictionary throws where one request was charged twice.
        _charged = _gateway.Where(row => row.Kind == "budget_charged")
            .ToDictionary(row => row.Key, row => Number(row.Body, "charged"), StringComparer.Ordinal);
        _offers = _provider.Where(row => row.Kind == "offer_issued").ToDictionary(
            row => row.Key, row => row.Body.GetProperty("offer").GetProperty("message"), StringComparer.Ordinal);
    }

    /// <summary>What the largest slice of any request costs.</summary>
    public BigInteger Slice { get; private set; }

    /// <summary>The most that a customer lost on one channel.</summary>
    public BigInteger CustomerLoss { get; private set; }

    /// <summary>The most that a provider lost on one channel, as far as apps saw what they did not pay for.</summary>
    public BigInteger ProviderLoss { get; private set; }

    /// <summary>Requests that were charged.</summary>
    public int Charged => _signed.Values.Count(receipt => !Number(receipt, "charge").IsZero);

    /// <summary>Charges by channel, from the provider's receipts.</summary>
    public SortedDictionary<string, BigInteger> Earned { get; } = new(StringComparer.Ordinal);

    /// <summary>Channels that were ever funded.</summary>
    public IReadOnlyList<string> Channels =>
        [.. _gateway.Where(row => row.Kind == "draw_signed").Select(row => row.Key).Distinct(StringComparer.Ordinal)];

    /// <summary>What API keys were billed in all.</summary>
    public BigInteger Billed => _charged.Values.Aggregate(BigInteger.Zero, static (sum, cost) => sum + cost);

    /// <summary>Holds everything against everything, when no request is under way.</summary>
    public void Check(IReadOnlyCollection<Told> heard)
    {
        foreach (var (id, receipt) in _signed)
        {
            var channel = receipt.GetProperty("channel_id").GetString()!;
            Earned[channel] = Earned.GetValueOrDefault(channel) + Number(receipt, "charge");
            Assert.Equal(Price(receipt, Number(receipt, "output_tokens")), Number(receipt, "charge"));
            Assert.True(Number(receipt, "charge").IsZero || _received.ContainsKey(id) || IsFrozen(channel),
                $"the gateway has no receipt of {id} and goes on with its channel");
            Slice = BigInteger.Max(Slice, Price(receipt, KilledNetwork.SliceTokens, isCached: false));
        }

        foreach (var (id, receipt) in _received)
        {
            Assert.True(_signed.TryGetValue(id, out var signed), $"the provider forgot its receipt of {id}");
            Assert.Equal(signed.GetRawText(), receipt.GetRawText());
        }

        CheckVouchers();
        CheckApps(heard);
        CheckLosses();
    }

    // What a provider took was promised first, and no promise reaches further than a slice beyond what had arrived.
    private void CheckVouchers()
    {
        var issued = _gateway.Where(row => row.Kind == "voucher_issued").Select(row => Voucher(row.Body)).ToHashSet();
        Assert.All(_provider.Where(row => row.Kind == "voucher_accepted"),
            row => Assert.Contains(Voucher(row.Body), issued));
        Dictionary<string, BigInteger> bases = new(StringComparer.Ordinal);
        Dictionary<string, BigInteger> ceilings = new(StringComparer.Ordinal);
        foreach (var row in _gateway)
        {
            if (row.Kind == "receipt_received")
            {
                var receipt = row.Body.GetProperty("receipt").GetProperty("message");
                bases[receipt.GetProperty("channel_id").GetString()!] = Number(receipt, "cumulative");
            }
            else if (row.Kind == "voucher_issued")
            {
                var (channel, ceiling) = Voucher(row.Body);
                if (!_signed.TryGetValue(row.Key, out var receipt) || Number(receipt, "input_tokens").IsZero)
                {
                    // Of a request that was lost nobody says how long its prompt was; its ceiling stays all the same.
                    ceilings[channel] = BigInteger.Max(ceiling, ceilings.GetValueOrDefault(channel));
                    continue;
                }

                var reach = bases.GetValueOrDefault(channel)
                    + Price(receipt, Number(row.Body, "ids_received") + KilledNetwork.SliceTokens, isCached: false);
                // A ceiling never falls: it may still be that of a request which used less.
                var most = BigInteger.Max(reach, ceilings.GetValueOrDefault(channel));
                Assert.True(ceiling <= most, $"a voucher of {row.Key} promises {ceiling}, more than {most}");
                ceilings[channel] = ceiling;
            }
        }
    }

    // An app that was told a bill is billed just that, once. One that was told none has paid for no more than it had
    // to: its receipt says what for.
    private void CheckApps(IReadOnlyCollection<Told> heard)
    {
        foreach (var told in heard.Where(told => told.Cost is not null))
        {
            Assert.True(_charged.TryGetValue(told.AppRequest, out var charged),
                $"{told.AppRequest} was told its bill, which is forgotten");
            Assert.Equal(told.Cost, charged);
        }

        var receipts = _gateway.Where(row => row.Kind == "request_sent")
            .ToLookup(row => row.Body.GetProperty("app_request").GetString()!, row => row.Key, StringComparer.Ordinal);
        foreach (var (app, charged) in _charged)
        {
            var sum = receipts[app].Where(_received.ContainsKey)
                .Aggregate(BigInteger.Zero, (total, id) => total + Number(_received[id], "charge"));
            Assert.True(charged <= sum, $"{app} was billed {charged}; its receipts say {sum}");
        }

        SortedDictionary<string, BigInteger> unpaid = new(StringComparer.Ordinal);
        foreach (var told in heard)
        {
            foreach (var receipt in receipts[told.AppRequest].Where(_signed.ContainsKey).Select(id => _signed[id]))
            {
                var channel = receipt.GetProperty("channel_id").GetString()!;
                var worth = Price(receipt, BigInteger.Max(told.Tokens, Number(receipt, "output_tokens")));
                var loss = worth - Number(receipt, "charge");
                unpaid[channel] = BigInteger.Max(unpaid.GetValueOrDefault(channel), loss);
            }
        }

        ProviderLoss = unpaid.Values.Append(BigInteger.Zero).Max();
        Assert.True(ProviderLoss <= Slice, $"the provider lost {ProviderLoss} on a channel; a slice is {Slice}");
    }

    private void CheckLosses()
    {
        foreach (var channel in Channels)
        {
            var booked = _gateway.Where(row => row.Kind == "loss_booked"
                    && row.Body.GetProperty("channel_id").GetString() == channel)
                .Aggregate(BigInteger.Zero, static (sum, row) => sum + Number(row.Body, "amount"));
            CustomerLoss = BigInteger.Max(CustomerLoss, booked);
        }

        Assert.True(CustomerLoss <= Slice, $"the customer lost {CustomerLoss} on a channel; a slice is {Slice}");
    }

    private bool IsFrozen(string channel) => _gateway.Any(row => row.Kind == "channel_frozen" && row.Key == channel);

    // The charge of a receipt if so many tokens had been generated, and, as a promise has to assume, none been cached.
    private BigInteger Price(JsonElement receipt, BigInteger output, bool isCached = true)
    {
        var offer = _offers[receipt.GetProperty("offer_hash").GetString()!];
        var cachedPrice = Number(offer, isCached ? "cached_price" : "input_price");
        var million = new BigInteger(1_000_000);
        return ((Number(receipt, "input_tokens") * Number(offer, "input_price"))
            + (Number(receipt, "cached_tokens") * cachedPrice)
            + (output * Number(offer, "output_price")) + million - 1) / million;
    }

    private static (string Channel, BigInteger Ceiling) Voucher(JsonElement body)
    {
        var voucher = body.GetProperty("voucher");
        return (voucher.GetProperty("channel_id").GetString()!, Number(voucher, "max_claimable"));
    }

    private static Dictionary<string, JsonElement> Receipts(IEnumerable<RawRow> rows, string kind) => rows
        .Where(row => row.Kind == kind)
        .ToDictionary(
            row => row.Key, row => row.Body.GetProperty("receipt").GetProperty("message"), StringComparer.Ordinal);

    private static BigInteger Number(JsonElement from, string name)
    {
        var value = from.GetProperty(name);
        return BigInteger.Parse(
            value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText(),
            CultureInfo.InvariantCulture);
    }
}
