using System.Numerics;
using System.Text;
using System.Text.Json;
using Souk.Conformance.Composition;
using Souk.Conformance.Sdk;

namespace Souk.Conformance.Oracle;

/// <summary>What each request must have cost, worked out here, and whether receipts and ledgers say the same.</summary>
internal sealed class Judgement
{
    private readonly Tariff _tariff;
    private readonly OracleTokenizer _tokenizer = new(Places.Model);
    private readonly Dictionary<string, TappedRequest> _tapped;
    private readonly IReadOnlyList<RawRow> _gateway;
    private readonly IReadOnlyList<RawRow> _provider;
    private readonly Dictionary<string, JsonElement> _received;
    private readonly Dictionary<string, JsonElement> _signed;
    private readonly HashSet<string> _judged = [];

    public Judgement(MarketNetwork network, Tariff tariff)
    {
        _tariff = tariff;
        // Questions are unique, so each was sent to the provider once at most.
        _tapped = network.Tap!.Requests.Values.ToDictionary(tapped => Question(tapped.Body), StringComparer.Ordinal);
        _gateway = LedgerReader.Read(network.GatewayLedger);
        _provider = LedgerReader.Read(network.Providers[0].Ledger);
        _received = Receipts(_gateway, "receipt_received");
        _signed = Receipts(_provider, "receipt_signed");
    }

    /// <summary>Requests that cost something.</summary>
    public int Charged { get; private set; }

    /// <summary>Apps that left before their answer was whole.</summary>
    public int Left { get; private set; }

    /// <summary>What apps owe in all.</summary>
    public BigInteger Billed { get; private set; }

    /// <summary>What each channel owes.</summary>
    public SortedDictionary<string, BigInteger> ByChannel { get; } = new(StringComparer.Ordinal);

    public void Judge(Errand errand, SdkOutcome outcome)
    {
        if (errand.Fate == Fate.Refused)
        {
            Assert.False(_tapped.ContainsKey(errand.Question));
            Assert.InRange(outcome.Error!.Status ?? 0, 400, 404);
            return;
        }

        Assert.True(_tapped.TryGetValue(errand.Question, out var tapped),
            $"{errand.Job.Id} ({errand.Fate}) was never sent: {outcome.Error}");
        Assert.True(_judged.Add(tapped.Id));
        Left += outcome.IsAborted ? 1 : 0;
        var output = tapped.Ids.Values.Sum(ids => ids.Count);
        var isFree = errand.Fate == Fate.FailedEarly;
        var prompt = isFree ? 0 : _tokenizer.CountPrompt(Messages(errand.Job));
        var receipt = _signed[tapped.Id];
        var cached = Books(receipt, "cached_tokens");
        var charge = _tariff.Charge(prompt - cached, cached, output);
        Assert.Equal(isFree, charge.IsZero);
        Assert.Equal(prompt, Books(receipt, "input_tokens") + cached);
        Assert.Equal(output, Books(receipt, "output_tokens"));
        Assert.Equal(charge, Books(receipt, "charge"));
        Assert.Equal(charge, Books(_received[tapped.Id], "charge"));
        var channel = receipt.GetProperty("channel_id").GetString()!;
        ByChannel[channel] = ByChannel.GetValueOrDefault(channel) + charge;
        Billed += charge;
        Charged += charge.IsZero ? 0 : 1;
        CheckSeen(errand, outcome, tapped, prompt, output, charge);
    }

    /// <summary>That both ledgers hold these receipts and no others, and the sums that follow from them.</summary>
    public void CheckLedgers()
    {
        Assert.Equal(_judged.Order(StringComparer.Ordinal), _signed.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(_judged.Order(StringComparer.Ordinal), _received.Keys.Order(StringComparer.Ordinal));
        Assert.DoesNotContain(_gateway, row => row.Kind is "channel_frozen" or "loss_booked");
        var billed = _gateway.Where(row => row.Kind == "budget_charged")
            .Aggregate(BigInteger.Zero, (sum, row) => sum + Books(row.Body, "charged"));
        Assert.Equal(Billed, billed);
        foreach (var (channel, owed) in ByChannel)
        {
            var cumulative = _signed.Values.Where(receipt => receipt.GetProperty("channel_id").GetString() == channel)
                .Max(receipt => Books(receipt, "cumulative"));
            Assert.Equal(owed, cumulative);
        }
    }

    private void CheckSeen(
        Errand errand, SdkOutcome outcome, TappedRequest tapped, int prompt, int output, BigInteger charge)
    {
        for (var choice = 0; choice < outcome.Texts.Count; choice++)
        {
            var told = _tokenizer.Decode(tapped.Ids.GetValueOrDefault(choice) ?? []);
            // A character of which the last bytes were never generated shows as a replacement character.
            var seen = Encoding.UTF8.GetBytes(outcome.Texts[choice].TrimEnd('\uFFFD'));
            Assert.True(told.AsSpan().StartsWith(seen), $"{errand.Job.Id}: the app saw text that no token says");
        }

        if (outcome.Usage is not null)
        {
            Assert.Equal((prompt, output, charge), (outcome.Prompt, outcome.Completion, outcome.Cost));
        }

        switch (errand.Fate)
        {
            case Fate.Answered:
                Assert.Null(outcome.Error);
                Assert.NotNull(outcome.Usage);
                break;
            case Fate.FailedEarly:
                Assert.True(outcome.Error is { Status: >= 500 }, $"{outcome.Error}");
                break;
            case Fate.FailedLate when !errand.Job.IsStreamed:
                Assert.Equal(["length"], outcome.Reasons);
                break;
        }
    }

    private static Dictionary<string, JsonElement> Receipts(IEnumerable<RawRow> rows, string kind) => rows
        .Where(row => row.Kind == kind)
        .Select(row => row.Body.GetProperty("receipt").GetProperty("message"))
        .ToDictionary(receipt => receipt.GetProperty("request_id").GetString()!, StringComparer.Ordinal);

    private static string Question(JsonElement body) =>
        body.GetProperty("messages").EnumerateArray().Last().GetProperty("content").GetString()!;

    private static IEnumerable<(string Role, string Text)> Messages(SdkJob job) =>
        job.Request["messages"]!.AsArray().Select(message => ((string)message!["role"]!, (string)message["content"]!));

    private static BigInteger Books(JsonElement from, string name)
    {
        var value = from.GetProperty(name);
        return BigInteger.Parse(
            value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText(),
            System.Globalization.CultureInfo.InvariantCulture);
    }
}
