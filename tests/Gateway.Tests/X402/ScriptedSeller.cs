using System.Text;
using Souk.Chain;
using Souk.Gateway.X402;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire;
using Souk.Wire.X402;
using ChannelState = Souk.Wire.X402.ChannelState;

namespace Souk.Gateway.Tests.X402;

/// <summary>
/// An x402 server on the simulated network. Left alone it is honest and remembers the channel as the reference server
/// does; each knob makes it lie in one place.
/// </summary>
internal sealed class ScriptedSeller(MarketHarness market) : IWireHandler
{
    public const string Name = "x402/echo";
    public const string Url = "http://127.0.0.1:7020";
    public const string Answer = "Four.";
    private readonly PrivateKey _authorizer = market.Keys.Authorizer;

    /// <summary>What the gateway's owner allows: 1,000 units a request.</summary>
    public static X402Seller Setting => X402Seller.Create("echo", Url + "/v1", new Amount(1_000)).Value;

    /// <summary>A market whose gateway buys from it.</summary>
    public static MarketOptions Options => new() { Sellers = [Setting] };

    /// <summary>The most that a request costs, as it states.</summary>
    public Amount Price { get; set; } = new(1_000);

    /// <summary>What a request costs.</summary>
    public Amount Charge { get; set; } = new(300);

    /// <summary>What it has charged in all.</summary>
    public Amount Charged { get; set; }

    /// <summary>The last payment that it took or refused.</summary>
    public BatchPayload? Last { get; private set; }

    /// <summary>Every payment that it saw.</summary>
    public List<BatchPayload> Seen { get; } = [];

    /// <summary>Requests without payment.</summary>
    public int Unpaid { get; private set; }

    /// <summary>The most that ran at once.</summary>
    public int MostAtOnce { get; private set; }

    public Func<PaymentRequirements, PaymentRequirements> Terms { get; set; } = static terms => terms;

    public Func<SettlementResponse, SettlementResponse?> Settlement { get; set; } = static settled => settled;

    public Func<PaymentRequirements, PaymentRequirements> Corrective { get; set; } = static terms => terms;

    /// <summary>Answers a payment in its place, where it returns true.</summary>
    public Func<BatchPayload, IWireResponse, Task<bool>>? Instead { get; set; }

    /// <summary>After it has charged: false loses the reply.</summary>
    public Func<bool> Delivers { get; set; } = static () => true;

    /// <summary>Seconds that it keeps an answer back after it has charged.</summary>
    public double Hold { get; set; }

    /// <summary>Whether it gives refunds.</summary>
    public bool Refunds { get; set; } = true;

    public string Body { get; set; } = "{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"echo\","
        + "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"" + Answer + "\"},"
        + "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":2,\"total_tokens\":6}}";

    private int _running;

    /// <summary>Puts it on the network and, unless told otherwise, on the vault's list.</summary>
    public static async Task<ScriptedSeller> StartAsync(MarketHarness market, bool isListed = true)
    {
        var seller = new ScriptedSeller(market);
        market.Network.Listen(new Uri(Url), seller);
        if (isListed)
        {
            _ = (await market.Chain.Account(market.Keys.VaultOwner).SubmitAsync(
                new ListReceiver(market.Vault, seller.PayTo, true), CancellationToken.None)).Value;
        }

        return seller;
    }

    public Address PayTo => market.Keys.Stranger.Address;

    public async Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        if (request.Headers[X402Header.Payment] is not { } header)
        {
            Unpaid++;
            await RefuseAsync(response, null, Terms(Requirements()));
            return;
        }

        var payload = PaymentPayload.FromHeader(header).Value.Payload;
        (Last, MostAtOnce) = (payload, Math.Max(MostAtOnce, ++_running));
        Seen.Add(payload);
        try
        {
            await market.WaitAsync(0.2);
            if (Instead is null || !await Instead(payload, response))
            {
                await AnswerAsync(payload, response);
            }
        }
        finally
        {
            _running--;
        }
    }

    /// <summary>A voucher that the gateway signed, as its server would prove it.</summary>
    public static VoucherState Proof(BatchPayload payload) =>
        new(payload.Voucher.MaxClaimable, payload.Voucher.Signature);

    public PaymentRequirements Requirements() => new(
        market.Chain.Network.ChainId, Price, market.Chain.Network.Currency, PayTo, 60,
        new BatchExtra(_authorizer.Address, ChannelConfig.MinWithdrawDelay, "Dollar", "1"));

    public static async Task RefuseAsync(IWireResponse response, string? error, PaymentRequirements terms)
    {
        var required = new PaymentRequired(error, new ResourceInfo(Url + "/v1/chat/completions"), [terms]);
        await response.StartAsync(402, new WireHeaders(1) { { X402Header.Required, required.ToHeader() } }, default);
        await response.WriteAsync("{}"u8.ToArray(), default);
    }

    private async Task AnswerAsync(BatchPayload payload, IWireResponse response)
    {
        if (payload is RefundPayload refund)
        {
            await RefundAsync(refund, response);
            return;
        }

        if (payload.Voucher.MaxClaimable != Charged + Price)
        {
            var terms = Requirements();
            await RefuseAsync(response, X402Errors.CumulativeMismatch, Corrective(terms with
            {
                Extra = terms.Extra with { ChannelState = State(payload), VoucherState = Proof(_taken ?? payload) },
            }));
            return;
        }

        _taken = payload;
        Charged += Charge;
        var settled = Settlement(new SettlementResponse(true, market.Chain.Network.ChainId)
        {
            Payer = payload.Config.Payer, Charged = Charge, ChannelState = State(payload),
        });
        await market.WaitAsync(Hold);
        if (!Delivers())
        {
            throw new OperationCanceledException("The reply is lost.");
        }

        var headers = new WireHeaders(2) { { "content-type", "application/json" } };
        if (settled is not null)
        {
            headers.Add(X402Header.Response, settled.ToHeader());
        }

        await response.StartAsync(200, headers, default);
        await response.WriteAsync(Encoding.UTF8.GetBytes(Body), default);
    }

    private BatchPayload? _taken;

    // As the reference server does: it claims what it charged and gives the rest back.
    private async Task RefundAsync(RefundPayload refund, IWireResponse response)
    {
        if (!Refunds || refund.Voucher.MaxClaimable != Charged)
        {
            await RefuseAsync(response, X402Errors.RefundNothing, Requirements());
            return;
        }

        await ClaimAsync(refund, Charged);
        var state = market.Chain.Channel(refund.Voucher.ChannelId);
        _ = (await market.Chain.Account(_authorizer).SubmitAsync(
            new Refund(refund.Config, state.Available, null), CancellationToken.None)).Value;
        var settled = new SettlementResponse(true, market.Chain.Network.ChainId) { ChannelState = State(refund) };
        await response.StartAsync(200, new WireHeaders(1) { { X402Header.Response, settled.ToHeader() } }, default);
    }

    /// <summary>Claims on the chain under a voucher that it holds.</summary>
    public async Task ClaimAsync(BatchPayload payload, Amount total)
    {
        market.Chain.Endow(_authorizer.Address, Amount.Zero);
        var row = new VoucherClaim(
            payload.Config, payload.Voucher.MaxClaimable, payload.Voucher.Signature, total);
        _ = (await market.Chain.Account(_authorizer).SubmitAsync(
            new Claim([row], null), CancellationToken.None)).Value;
    }

    private ChannelState State(BatchPayload payload)
    {
        var onChain = market.Chain.Channel(payload.Voucher.ChannelId);
        return new ChannelState(payload.Voucher.ChannelId, onChain.Balance, onChain.Claimed, 0, 0, Charged);
    }
}
