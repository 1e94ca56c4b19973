using System.Text;
using System.Text.Json.Nodes;
using Souk.Chain.Evm;
using Souk.Protocol;
using Souk.Testbed.Engines;
using Souk.Wire.Paid;

namespace Souk.Testbed.Market;

/// <summary>A channel as a customer without a gateway keeps it.</summary>
public sealed class BuyerChannel(ChannelConfig config, Bytes32 id)
{
    public ChannelConfig Config { get; } = config;

    public Bytes32 Id { get; } = id;

    public Signed<Acceptance>? Acceptance { get; set; }

    public ulong Index { get; set; }

    public Amount Base { get; set; }

    public Amount Ceiling { get; set; }
}

/// <summary>What came of a paid request.</summary>
public sealed record Bought(PaidReply Reply, IReadOnlyList<JsonNode> Chunks, Signed<Receipt>? Receipt, bool IsDone)
{
    /// <summary>Code of the refusal.</summary>
    public string? Code => Reply.Error?.Code;

    /// <summary>All ids received.</summary>
    public IReadOnlyList<int> Ids => [.. Chunks.SelectMany(chunk => chunk["choices"]?.AsArray() ?? [])
        .SelectMany(choice => choice!["token_ids"]?.AsArray() ?? []).Select(id => (int)id!)];
}

/// <summary>
/// A customer that speaks to the provider itself, so that tests can send what no gateway would. It funds channels
/// from the
/// market's vault.
/// </summary>
public sealed class Buyer(MarketHarness market, string name = "buyer")
{
    private readonly SeededRandomness _randomness = market.Scheduler.Randomness.Fork(name);

    public NodeClient Client { get; } = market.ClientOf(name);

    private EscrowDomain Escrow => market.Chain.Network.EscrowDomain;

    /// <summary>The provider's newest offer.</summary>
    public async Task<Signed<Offer>> OfferAsync() =>
        (await Client.GetOffersAsync(market.ProviderTarget, null, null, CancellationToken.None)).Value.Offers[0];

    public BuyerChannel NewChannel(Func<ChannelConfig, ChannelConfig>? change = null)
    {
        var keys = market.Keys;
        var config = new ChannelConfig(
            market.Vault, keys.Hot.Address, keys.Payout.Address, keys.Authorizer.Address,
                market.Chain.Network.Currency, 900,
            _randomness.NextBytes32());
        config = change?.Invoke(config) ?? config;
        return new BuyerChannel(config, config.Id(Escrow));
    }

    /// <summary>Has the provider fund and take a channel.</summary>
    public async Task<BuyerChannel> OpenAsync(ulong deposit = 20_000)
    {
        var channel = NewChannel();
        channel.Acceptance = (await AskAsync(channel, new(deposit))).Value;
        return channel;
    }

    public Task<Result<Signed<Acceptance>>> AskAsync(BuyerChannel channel, Amount? deposit)
    {
        ChannelDeposit? funding = null;
        if (deposit is { } amount)
        {
            var draw = new DrawAuthorisation(channel.Id, amount, _randomness.NextBytes32(), market.Now + 600);
            var vault = new SoukDomain(market.Chain.Network.ChainId, market.Vault);
            funding = new ChannelDeposit(
                amount, market.Vault, DrawData.Encode(channel.Config, draw, draw.Sign(market.Keys.Hot, vault)));
        }

        return Client.OpenChannelAsync(
            market.ProviderTarget, new ChannelOpening(channel.Config, funding), CancellationToken.None);
    }

    /// <summary>A body for the model.</summary>
    public byte[] Body(Action<JsonObject>? change = null)
    {
        var body = new JsonObject
        {
            ["model"] = market.Engine.Model.Manifest.Digest.ToString(),
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Hello there" }),
            ["max_tokens"] = 64,
            ["stream"] = true,
        };
        change?.Invoke(body);
        return Encoding.UTF8.GetBytes(body.ToJsonString());
    }

    /// <summary>Prompt tokens of a body.</summary>
    public ulong Count(byte[] body) => (ulong)TinyModel.Encoder(market.Engine.Model)
        .Encode(OpenAi.Chat.ChatRequest.Parse(body).Value).Value.Length;

    /// <summary>What a prompt and so many output tokens cost.</summary>
    public Amount Cost(byte[] body, ulong output) => Charge.Of(market.Options.Prices, Count(body), 0, output);

    /// <summary>The next request of a channel, covering so many output tokens.</summary>
    public async Task<PaidRequest> NextAsync(BuyerChannel channel, byte[] body, ulong covered)
    {
        var offer = await OfferAsync();
        channel.Ceiling = Amount.Max(channel.Ceiling, channel.Base + Cost(body, covered));
        return new PaidRequest(
            _randomness.NextRequestId(), offer.Message.Hash(market.Chain.Network.SoukDomain), ++channel.Index,
            _randomness.NextBytes32(), Salt.Next(_randomness), channel.Config,
            Voucher(channel, channel.Ceiling));
    }

    public Voucher Voucher(BuyerChannel channel, Amount ceiling) =>
        Protocol.Voucher.Sign(market.Keys.Hot, Escrow, channel.Id, ceiling);

    /// <summary>Buys an answer on a channel, to its end.</summary>
    public async Task<Bought> BuyAsync(BuyerChannel channel, ulong covered = 64, Action<JsonObject>? change = null)
    {
        var body = Body(change);
        var bought = await SendAsync(await NextAsync(channel, body, covered), body);
        channel.Base = bought.Receipt?.Message.Cumulative ?? channel.Base;
        return bought;
    }

    /// <summary>Sends a request and reads all that comes.</summary>
    public async Task<Bought> SendAsync(
        PaidRequest request, byte[] body, Func<int, Task>? onToken = null, CancellationToken leave = default)
    {
        var reply = (await Client.SendPaidAsync(market.ProviderTarget, request, body, CancellationToken.None)).Value;
        await using (reply)
        {
            List<JsonNode> chunks = [];
            var isDone = false;
            var tokens = 0;
            while (reply.Error is null && !isDone)
            {
                PaidEvent next;
                try
                {
                    next = await reply.NextAsync(leave);
                }
                catch (OperationCanceledException)
                {
                    break;
                }

                if (next.Kind == PaidEventKind.Broken)
                {
                    break;
                }

                isDone = next.Kind == PaidEventKind.Done;
                if (next.Kind == PaidEventKind.Data)
                {
                    var chunk = JsonNode.Parse(next.Data.Span)!;
                    chunks.Add(chunk);
                    var ids = chunk["choices"]?.AsArray().Sum(choice =>
                        choice!["token_ids"]?.AsArray().Count ?? 0) ?? 0;
                    tokens += ids;
                    if (ids > 0 && onToken is not null)
                    {
                        await onToken(tokens);
                    }
                }
            }

            return new Bought(reply, chunks, reply.Receipt, isDone);
        }
    }
}
