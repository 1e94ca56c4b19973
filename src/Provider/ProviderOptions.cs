using Souk.Engines;
using Souk.Protocol;
using Souk.Wire;

namespace Souk.Provider;

/// <summary>One model for sale, and its terms.</summary>
/// <param name="Engine">Runs the model.</param>
/// <param name="Prices">Smallest units per 1,000,000 tokens.</param>
public sealed record ModelForSale(IEngine Engine, Prices Prices)
{
    /// <summary>A label in the offer, for people. Default: the engine's name for the model.</summary>
    public string? PublicName { get; init; }

    /// <summary>Requests served at once; further ones are refused as busy. Default 16.</summary>
    public int Concurrency { get; init; } = 16;

    /// <summary>Least output tokens that a slice must cover. A smaller slice means more raises. Default 16.</summary>
    public int SliceLeast { get; init; } = 16;

    /// <summary>Greatest output tokens of a slice: what this provider's customers risk at most. Default 512.</summary>
    public int SliceGreatest { get; init; } = 512;
}

/// <summary>Settings of a provider. Bound once, checked by <see cref="Problems"/> before anything starts.</summary>
public sealed class ProviderOptions
{
    /// <summary>Identity in the registry: the owner's address.</summary>
    public required Address Provider { get; init; }

    /// <summary>Receiver of all channels; equal to the payout in the registry.</summary>
    public required Address Payout { get; init; }

    /// <summary>Signs offers, acceptances and receipts.</summary>
    public required PrivateKey NodeKey { get; init; }

    /// <summary>Signs claims (the channels' receiverAuthorizer).</summary>
    public required PrivateKey AuthorizerKey { get; init; }

    /// <summary>What the nonces of accepted channels follow from; it may not change while any is open. Default: derived
    /// from the authorizer's key, which is kept until its last channel is drained.</summary>
    public Bytes32? NonceSecret { get; init; }

    /// <summary>Sends transactions and pays their gas; holds nothing else.</summary>
    public required PrivateKey GasKey { get; init; }

    /// <summary>Where gateways reach this node; equal to the endpoint in the registry.</summary>
    public required string Endpoint { get; init; }

    /// <summary>SPKI hash of the node's certificate, asked at each offer because certificates rotate. Null: plain HTTP
    /// on loopback.</summary>
    public Func<Bytes32?> SpkiHash { get; init; } = static () => null;

    /// <summary>What is sold.</summary>
    public required IReadOnlyList<ModelForSale> Models { get; init; }

    /// <summary>Base URLs of the indexers that offers are announced to. Default: none, so only gateways that know the
    /// endpoint find this provider.</summary>
    public IReadOnlyList<string> Indexers { get; init; } = [];

    /// <summary>Where the machine is, told in the offer. Default: not told.</summary>
    public string Region { get; init; } = "";

    /// <summary>What the machine is, told in the offer. Default: not told.</summary>
    public string Hardware { get; init; } = "";

    /// <summary>What happens to prompts and answers, told in the offer.</summary>
    public string DataPolicy { get; init; } = "not stored, not logged";

    /// <summary>Withdraw delay of channels, in seconds: the time in which a claim must be mined. Default one
    /// day.</summary>
    public uint WithdrawDelay { get; init; } = 86_400;

    /// <summary>Least balance with which a channel is accepted, in smallest units. It has to be worth the gas of the
    /// deposit, which this provider pays.</summary>
    public Amount MinimumDeposit { get; init; } = new(100_000);

    /// <summary>Lifetime of an offer, in seconds; a new one follows at half of it. Default 600.</summary>
    public uint OfferSeconds { get; init; } = 600;

    /// <summary>How long an uncovered answer waits for a higher voucher before it ends with <c>length</c>. Default 10
    /// s.</summary>
    public TimeSpan CoverWait { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Most that all channels together may owe unclaimed at any time, in smallest units. Default: no cap,
    /// since what is owed is already promised by vouchers; the cap bounds what a failing chain can cost.</summary>
    public Amount MostUnclaimed { get; init; } = new(UInt128.MaxValue);

    /// <summary>How often claims are considered. Default 10 s.</summary>
    public TimeSpan ClaimEvery { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A claim is sent when its value is at least so many times its gas. Default 10.</summary>
    public uint ClaimValueOverGas { get; init; } = 10;

    /// <summary>After so long what was earned is claimed, and what was claimed is paid out, at twice its gas already.
    /// Default one day.</summary>
    public TimeSpan ClaimAfter { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Watchtowers that claim while this provider is down, each as <c>https://host:port#0xPIN</c>. They get
    /// claims that can only pay this provider. Default: none, so that a machine that is down for longer than the
    /// withdraw delay can lose what it had not claimed.</summary>
    public IReadOnlyList<string> Watchtowers { get; init; } = [];

    /// <summary>Once so much of a channel is not protected by a watchtower, in smallest units, a newer claim goes there
    /// at once. Default a cent of a currency with six decimals.</summary>
    public Amount GuardStep { get; init; } = new(10_000);

    /// <summary>After so long even less goes there. Default 60 s.</summary>
    public TimeSpan GuardEvery { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>What 10^18 wei of the chain's gas money are worth in smallest units of the currency, for that
    /// comparison. Zero claims whatever is there. Default 3,000 whole units of a currency with six decimals.</summary>
    public Amount GasMoneyPrice { get; init; } = new(3_000_000_000);

    /// <summary>Channel openings per payer and hour that are relayed, since this provider pays their gas. Default
    /// 60.</summary>
    public int OpeningsPerPayerAndHour { get; init; } = 60;

    /// <summary>Channel openings per peer address and hour that are relayed: one peer can speak for many payers.
    /// Default 240.</summary>
    public int OpeningsPerPeerAndHour { get; init; } = 240;

    /// <summary>Unpaid requests per peer address and minute of which the price is worked out, and questions to the
    /// facilitator: both cost time whoever asks. Default 600.</summary>
    public int QuotesPerPeerAndMinute { get; init; } = 600;

    /// <summary>Most gas that a relayed deposit may take, in units of gas; the customer chose the code that runs.
    /// Default 400,000.</summary>
    public ulong MostDepositGas { get; init; } = 400_000;

    /// <summary>Everything that is wrong with these settings, each with what to do; empty when all is well.</summary>
    public IReadOnlyList<string> Problems()
    {
        List<string> problems = [];
        Check(Models.Count > 0, "There is no model to sell; name at least one.");
        Check(Models.All(model => model.Concurrency > 0), "A model's concurrency is below 1.");
        Check(
            Models.All(model => model.SliceLeast > 0 && model.SliceGreatest >= model.SliceLeast),
            "A model's slice has to be at least one token, and its greatest not below its least.");
        Check(
            Models.All(model => model.Prices.Cached <= model.Prices.Input),
            "A model's cached input costs more than its fresh input; nobody takes such an offer.");
        Check(
            Models.Select(model => model.Engine.Model.Manifest.Digest).Distinct().Count() == Models.Count,
            "The same model is for sale twice; a provider has one offer per model.");
        Check(
            WithdrawDelay is >= ChannelConfig.MinWithdrawDelay and <= ChannelConfig.MaxWithdrawDelay,
            $"The withdraw delay is outside {ChannelConfig.MinWithdrawDelay} to {ChannelConfig.MaxWithdrawDelay} "
                + $"seconds.");
        Check(OfferSeconds is >= 60 and <= 900, "An offer's lifetime is outside 60 to 900 seconds.");
        Check(ClaimAfter >= TimeSpan.Zero, "The age after which is claimed is below zero.");
        problems.AddRange(Watchtowers
            .Select(tower => (Tower: tower, PeerTarget.ParsePinned(tower).Refusal))
            .Where(one => one.Refusal is not null)
            .Select(one => $"The watchtower {one.Tower} is unusable: {one.Refusal!.Message}"));
        Check(ClaimEvery > TimeSpan.Zero && GuardEvery > TimeSpan.Zero && CoverWait > TimeSpan.Zero,
            "A waiting time is not above zero.");
        Check(
            OpeningsPerPayerAndHour > 0 && OpeningsPerPeerAndHour > 0,
            "No channel opening is allowed; set at least 1 per payer, and per peer, and hour.");
        Check(QuotesPerPeerAndMinute > 0, "No price is ever told; set at least 1 question per peer and minute.");
        Check(MostDepositGas >= 21_000, "No deposit can be relayed with so little gas; set at least 400000.");
        return problems;

        void Check(bool isFine, string problem)
        {
            if (!isFine)
            {
                problems.Add(problem);
            }
        }
    }
}
