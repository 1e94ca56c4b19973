using System.Text;
using System.Text.Json.Nodes;
using Souk.Chain.Evm;
using Souk.Protocol;
using Souk.Testbed;
using Souk.Testbed.Market;
using Souk.Wire;
using Souk.Wire.X402;

namespace Souk.Provider.Tests.X402;

/// <summary>What a plain client got.</summary>
internal sealed record PlainAnswer(int Status, WireHeaders Headers, string Text)
{
    public JsonNode Json => JsonNode.Parse(Text)!;

    public string? Code => (string?)Json["error"]?["code"];

    public SettlementResponse? Settled => Headers[X402Header.Response] is { } header
        ? SettlementResponse.FromHeader(header).Value
        : null;

    public PaymentRequired? Required => Headers[X402Header.Required] is { } header
        ? PaymentRequired.FromHeader(header).Value
        : null;

    public PaymentRequirements Terms => Required!.Accepts.Single();
}

/// <summary>
/// A client that speaks x402 and nothing of Souk, so that tests can send what no honest one would. It holds its own
/// money and signs for itself.
/// </summary>
internal sealed class PlainClient
{
    public const string Chat = "/v1/chat/completions";
    private readonly MarketHarness _market;
    private readonly SimulatedClient _wire;
    private readonly SeededRandomness _randomness;

    public PlainClient(MarketHarness market, string name = "plain", ulong funds = 1_000_000)
    {
        _market = market;
        _wire = market.Network.ClientFor(name);
        _randomness = market.Scheduler.Randomness.Fork(name);
        Key = PrivateKey.Create(_randomness);
        market.Chain.Endow(Key.Address, new(funds));
    }

    public PrivateKey Key { get; }

    public Bytes32 Salt { get; set; }

    public EscrowDomain Escrow => _market.Chain.Network.EscrowDomain;

    public Bytes32 ChannelId => Config().Id(Escrow);

    public Amount Balance => _market.Chain.BalanceOf(Key.Address);

    public ChannelConfig Config(Func<ChannelConfig, ChannelConfig>? change = null)
    {
        var keys = _market.Keys;
        var config = new ChannelConfig(
            Key.Address, Key.Address, keys.Payout.Address, keys.Authorizer.Address, _market.Chain.Network.Currency, 900,
            Salt);
        return change?.Invoke(config) ?? config;
    }

    public static byte[] Body(int maxTokens = 16, bool isStream = false, Action<JsonObject>? change = null)
    {
        var body = new JsonObject
        {
            ["model"] = "tiny-1",
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Hello there" }),
            ["max_tokens"] = maxTokens,
            ["stream"] = isStream,
        };
        change?.Invoke(body);
        return Encoding.UTF8.GetBytes(body.ToJsonString());
    }

    public Task<PlainAnswer> AskAsync(byte[] body, string path = Chat) => SendAsync("POST", path, body, null);

    public async Task<PaymentRequirements> TermsAsync(byte[] body, string path = Chat) =>
        (await AskAsync(body, path)).Terms;

    public Voucher Sign(Amount ceiling, ChannelConfig? config = null) =>
        Voucher.Sign(Key, Escrow, (config ?? Config()).Id(Escrow), ceiling);

    public DepositPayload Deposit(
        Amount amount, Amount ceiling, ChannelConfig? config = null, ulong validAfter = 0, ulong? validBefore = null)
    {
        config ??= Config();
        var (salt, before) = (_randomness.NextBytes32(), validBefore ?? _market.Now + 600);
        var network = _market.Chain.Network;
        var digest = Eip712.Digest(
            new Eip712Domain("Simulated Dollar", "1", network.ChainId, network.Currency),
            new StructHasher(Eip712.TypeHash(ReceiveAuthorisation.Type)).Add(config.Payer)
                .Add(network.Erc3009Collector!.Value).Add(amount).Add(validAfter).Add(before)
                .Add(ReceiveData.Nonce(config.Id(Escrow), salt)).Hash());
        return new DepositPayload(
            config, Sign(ceiling, config), amount, new(validAfter, before, salt, Key.Sign(digest).ToBytes()));
    }

    public VoucherPayload Pay(Amount ceiling) => new(Config(), Sign(ceiling));

    public RefundPayload Refund(Amount charged, Amount? amount = null) => new(Config(), Sign(charged), amount);

    public Task<PlainAnswer> PayAsync(
        byte[] body, PaymentRequirements terms, BatchPayload payload, string path = Chat, string method = "POST") =>
        SendAsync(method, path, body, new PaymentPayload(terms, payload).ToHeader());

    public async Task<PlainAnswer> RefundAsync(RefundPayload refund) =>
        await PayAsync([], (await SendAsync("GET", Chat, [], null)).Terms, refund, method: "GET");

    /// <summary>Asks for the price, and pays it by a deposit.</summary>
    public async Task<PlainAnswer> OpenAsync(byte[] body, ulong deposit = 20_000, string path = Chat)
    {
        var terms = await TermsAsync(body, path);
        return await PayAsync(body, terms, Deposit(new(deposit), terms.Amount), path);
    }

    /// <summary>Asks for the price, and pays it by a voucher over what was charged.</summary>
    public async Task<PlainAnswer> BuyAsync(byte[] body, Amount charged, string path = Chat)
    {
        var terms = await TermsAsync(body, path);
        return await PayAsync(body, terms, Pay(charged + terms.Amount), path);
    }

    public async Task<PlainAnswer> FacilitateAsync(
        string path, BatchPayload payload, Func<PaymentRequirements, PaymentRequirements>? change = null)
    {
        var terms = (await SendAsync("GET", Chat, [], null)).Terms with { Verbatim = null };
        var request = new FacilitatorRequest(new(terms, payload), change?.Invoke(terms) ?? terms);
        return await SendAsync("POST", path, request.ToJson().ToArray(), null);
    }

    public async Task<PlainAnswer> SendAsync(
        string method, string path, byte[] body, string? payment, CancellationToken leave = default)
    {
        var headers = new WireHeaders { { "content-type", "application/json" } };
        if (payment is not null)
        {
            headers.Add(X402Header.Payment, payment);
        }

        await using var reply = await _wire.SendAsync(
            _market.ProviderTarget, new WireRequest(method, path, "", headers, body, ""), leave);
        var text = await reply.ReadAllAsync(1 << 20, leave);
        return new PlainAnswer(reply.Status, reply.Headers, Encoding.UTF8.GetString(text.Span));
    }
}
