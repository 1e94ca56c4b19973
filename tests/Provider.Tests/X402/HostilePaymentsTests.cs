using Souk.Chain;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire.X402;

namespace Souk.Provider.Tests.X402;

/// <summary>
/// Payments that a plain client must not get through: each is told its code, no work is done for it, and where it is
/// about a deposit no gas is spent.
/// </summary>
public sealed class HostilePaymentsTests
{
    private const ulong Deposit = 20_000;
    private static readonly MarketOptions Options = new() { WarmChannels = 0, Confirmations = 1 };

    [Fact]
    public void A_replayed_payment_is_refused() => Opened(async (market, client, charged) =>
    {
        var body = PlainClient.Body();
        var terms = await client.TermsAsync(body);
        var payment = client.Pay(charged + terms.Amount);
        Assert.Equal(200, (await client.PayAsync(body, terms, payment)).Status);
        var book = await market.ProviderBookAsync();

        var replayed = await client.PayAsync(body, terms, payment);

        Assert.Equal((402, X402Errors.CumulativeMismatch), (replayed.Status, replayed.Code));
        Assert.Equal(book.Earned, (await market.ProviderBookAsync()).Earned);
    });

    [Fact]
    public void A_replayed_deposit_is_refused_and_costs_no_gas() => MarketHarness.Run(Options, async market =>
    {
        var client = new PlainClient(market);
        var body = PlainClient.Body();
        var terms = await client.TermsAsync(body);
        var deposit = client.Deposit(new(Deposit), terms.Amount);
        market.Engine.FailsAfter = 0;
        Assert.Equal(502, (await client.PayAsync(body, terms, deposit)).Status);
        market.Engine.FailsAfter = null;
        var sent = market.Chain.Transactions;

        var replayed = await client.PayAsync(body, terms, deposit);

        Assert.Equal((402, X402Errors.DepositSimulationFailed), (replayed.Status, replayed.Code));
        Assert.Equal(sent, market.Chain.Transactions);
        Assert.Equal(new Amount(Deposit), market.Chain.Channel(client.ChannelId).Balance);
    });

    [Fact]
    public void A_voucher_over_anything_but_charge_and_price_is_refused() => Opened(async (_, client, charged) =>
    {
        var body = PlainClient.Body();
        var terms = await client.TermsAsync(body);
        foreach (var ceiling in new[]
        {
            Amount.Zero, charged, terms.Amount, charged + terms.Amount - new Amount(1),
            charged + terms.Amount + new Amount(1), Amount.MaxValue,
        })
        {
            var refused = await client.PayAsync(body, terms, client.Pay(ceiling));

            Assert.Equal((402, X402Errors.CumulativeMismatch), (refused.Status, refused.Code));
            Assert.Equal(charged, refused.Terms.Extra.ChannelState!.Charged);
        }
    });

    [Fact]
    public void A_payment_on_other_terms_is_refused() => Opened(async (market, client, charged) =>
    {
        var body = PlainClient.Body();
        var terms = (await client.TermsAsync(body)) with { Verbatim = null };
        var payment = client.Pay(charged + terms.Amount);
        var stranger = market.Keys.Stranger.Address;
        var extra = terms.Extra;
        (PaymentRequirements Terms, string Code)[] cases =
        [
            (terms with { ChainId = 1 }, X402Errors.NetworkMismatch),
            (terms with { Asset = stranger }, X402Errors.TokenMismatch),
            (terms with { PayTo = stranger }, X402Errors.ReceiverMismatch),
            (terms with { Amount = terms.Amount - new Amount(1) }, "invalid_payment_requirements"),
            (terms with { Extra = extra with { ReceiverAuthorizer = stranger } },
                X402Errors.ReceiverAuthorizerMismatch),
            (terms with { Extra = extra with { WithdrawDelay = 901 } }, X402Errors.WithdrawDelayMismatch),
        ];
        foreach (var (accepted, code) in cases)
        {
            var refused = await client.PayAsync(body, accepted, payment);

            Assert.Equal((402, code), (refused.Status, refused.Code));
            Assert.Equal(terms, refused.Terms with { Verbatim = null });
        }
    });

    [Fact]
    public void A_channel_on_other_terms_is_refused_and_costs_no_gas() => MarketHarness.Run(Options, async market =>
    {
        var client = new PlainClient(market);
        var stranger = market.Keys.Stranger.Address;
        var body = PlainClient.Body();
        var terms = await client.TermsAsync(body);
        var sent = market.Chain.Transactions;
        (ChannelConfig Config, string Code)[] cases =
        [
            (client.Config(config => config with { Token = stranger }), X402Errors.TokenMismatch),
            (client.Config(config => config with { Receiver = stranger }), X402Errors.ReceiverMismatch),
            (client.Config(config => config with { ReceiverAuthorizer = stranger }),
                X402Errors.ReceiverAuthorizerMismatch),
            (client.Config(config => config with { WithdrawDelay = 899 }), X402Errors.WithdrawDelayMismatch),
            (client.Config(config => config with { PayerAuthorizer = stranger }), X402Errors.VoucherSignature),
            (client.Config(config => config with { PayerAuthorizer = Address.Zero }), X402Errors.VoucherSignature),
        ];
        foreach (var (config, code) in cases)
        {
            var refused = await client.PayAsync(body, terms, client.Deposit(new(Deposit), terms.Amount, config));

            Assert.Equal((402, code), (refused.Status, refused.Code));
        }

        var mixed = client.Deposit(new(Deposit), terms.Amount) with { Voucher = client.Sign(terms.Amount, cases[
            0].Config) };
        Assert.Equal(X402Errors.ChannelIdMismatch, (await client.PayAsync(body, terms, mixed)).Code);
        Assert.Equal(sent, market.Chain.Transactions);
        Assert.Empty((await market.ProviderBookAsync()).Channels);
    });

    [Fact]
    public void A_voucher_for_another_chain_or_escrow_is_refused() => Opened(async (_, client, charged) =>
    {
        var body = PlainClient.Body();
        var terms = await client.TermsAsync(body);
        foreach (var escrow in new[]
        {
            client.Escrow with { ChainId = 1 }, client.Escrow with { Escrow = terms.Asset },
        })
        {
            var voucher = Voucher.Sign(client.Key, escrow, client.ChannelId, charged + terms.Amount);
            var refused = await client.PayAsync(body, terms, new VoucherPayload(client.Config(), voucher));

            Assert.Equal((402, X402Errors.VoucherSignature), (refused.Status, refused.Code));
        }
    });

    [Fact]
    public void Deposits_that_would_not_hold_cost_no_gas() => MarketHarness.Run(Options, async market =>
    {
        var client = new PlainClient(market, funds: 30_000);
        var body = PlainClient.Body();
        var terms = await client.TermsAsync(body);
        var good = client.Deposit(new(Deposit), terms.Amount);
        var sent = market.Chain.Transactions;
        (DepositPayload Deposit, string Code)[] cases =
        [
            (client.Deposit(new(999), terms.Amount), X402Errors.DepositBelowMinimum),
            (client.Deposit(new(Deposit), terms.Amount, validBefore: market.Now), X402Errors.ValidBefore),
            (client.Deposit(new(Deposit), terms.Amount, validBefore: market.Now + 5), X402Errors.ValidBefore),
            (client.Deposit(new(Deposit), terms.Amount, validAfter: market.Now + 60), X402Errors.ValidAfter),
            (client.Deposit(new(30_001), terms.Amount), X402Errors.DepositSimulationFailed),
            (client.Deposit(Amount.MaxValue, terms.Amount), X402Errors.DepositSimulationFailed),
            (good with { Amount = new(Deposit + 1) }, X402Errors.DepositSimulationFailed),
            (good with { Proof = good.Proof with { Signature = new byte[65] } }, X402Errors.DepositSimulationFailed),
            (good with { Proof = good.Proof with { Salt = Sha.Hash("another"u8) } },
                X402Errors.DepositSimulationFailed),
        ];
        foreach (var (deposit, code) in cases)
        {
            var refused = await client.PayAsync(body, terms, deposit);

            Assert.Equal((402, code), (refused.Status, refused.Code));
        }

        Assert.Equal(sent, market.Chain.Transactions);
        Assert.Equal(200, (await client.PayAsync(body, terms, good)).Status);
    });

    [Fact]
    public void A_payer_has_so_many_deposits_an_hour() => MarketHarness.Run(Options, async market =>
    {
        var client = new PlainClient(market);
        for (var i = 0; i < 60; i++)
        {
            client.Salt = Sha.Hash(BitConverter.GetBytes(i));
            Assert.Equal(200, (await client.OpenAsync(PlainClient.Body(maxTokens: 1), 1_000)).Status);
        }

        var sent = market.Chain.Transactions;
        client.Salt = Sha.Hash("one more"u8);
        var refused = await client.OpenAsync(PlainClient.Body(maxTokens: 1), 1_000);

        Assert.Equal((429, "too_many_openings"), (refused.Status, refused.Code));
        Assert.Equal(sent, market.Chain.Transactions);
        var other = new PlainClient(market, "another");
        Assert.Equal(200, (await other.OpenAsync(PlainClient.Body(maxTokens: 1), 1_000)).Status);
    });

    [Fact]
    public void Unpaid_questions_have_a_rate_per_peer() => MarketHarness.Run(Options, async market =>
    {
        var (flood, honest) = (new PlainClient(market, "flood"), new PlainClient(market, "honest"));
        for (var i = 0; i < 600; i++)
        {
            Assert.Equal(402, (await flood.AskAsync(PlainClient.Body())).Status);
        }

        Assert.Equal(429, (await flood.AskAsync(PlainClient.Body())).Status);
        Assert.Equal(402, (await honest.AskAsync(PlainClient.Body())).Status);
        await market.WaitAsync(60);
        Assert.Equal(402, (await flood.AskAsync(PlainClient.Body())).Status);
    });

    [Fact]
    public void Payments_that_do_not_fit_count_as_questions() => Opened(async (market, client, charged) =>
    {
        var body = PlainClient.Body();
        var terms = await client.TermsAsync(body);
        var wrong = client.Pay(charged + terms.Amount + new Amount(1));
        List<int> statuses = [];
        for (var i = 0; i < 600; i++)
        {
            statuses.Add((await client.PayAsync(body, terms, wrong)).Status);
        }

        Assert.Equal(402, statuses[0]);
        Assert.Equal(429, statuses[^1]);
        Assert.Equal(200, (await client.PayAsync(body, terms, client.Pay(charged + terms.Amount))).Status);
    });

    [Theory]
    [InlineData("")]
    [InlineData("!")]
    [InlineData("e30=")]
    [InlineData("bm8ganNvbg==")]
    public void A_payment_that_cannot_be_read_is_a_bad_request(string header) => MarketHarness.Run(
        Options, async market =>
        {
            var answer = await new PlainClient(market).SendAsync("POST", PlainClient.Chat, PlainClient.Body(), header);

            Assert.Equal((400, "invalid_payload"), (answer.Status, answer.Code));
        });

    [Fact]
    public void A_giant_payment_is_a_bad_request() => MarketHarness.Run(Options, async market =>
    {
        var giant = new string('A', 1 << 20);

        var answer = await new PlainClient(market).SendAsync("POST", PlainClient.Chat, PlainClient.Body(), giant);

        Assert.Equal((400, "invalid_payload"), (answer.Status, answer.Code));
    });

    [Fact]
    public void Requests_that_cannot_be_served_are_told_so_before_any_price() => MarketHarness.Run(
        Options, async market =>
        {
            var client = new PlainClient(market);

            Assert.Equal(400, (await client.AskAsync("{}"u8.ToArray())).Status);
            Assert.Equal(400, (await client.AskAsync("no json"u8.ToArray())).Status);
            Assert.Equal((404, "model_not_found"), Of(await client.AskAsync(
                PlainClient.Body(change: body => body["model"] = "another"))));
            Assert.Equal(413, (await client.AskAsync(new byte[(4 << 20) + 1])).Status);
            Assert.Equal((400, "context_length_exceeded"), Of(await client.AskAsync(PlainClient.Body(change: body =>
                body["messages"]![0]!["content"] = new string('x', 20_000)))));
            Assert.Equal(405, (await client.SendAsync("PUT", PlainClient.Chat, [], null)).Status);
        });

    [Fact]
    public void Two_requests_at_once_on_one_channel_are_one_request() => Opened(async (market, client, charged) =>
    {
        var body = PlainClient.Body(maxTokens: 12);
        var terms = await client.TermsAsync(body);
        var payment = client.Pay(charged + terms.Amount);

        var answers = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => client.PayAsync(body, terms, payment)));

        Assert.Equal(1, answers.Count(answer => answer.Status == 200));
        Assert.All(
            answers.Where(answer => answer.Status != 200),
            answer => Assert.True(answer.Code is X402Errors.Busy or X402Errors.CumulativeMismatch, answer.Code));
        Assert.Equal(
            charged + answers.Single(answer => answer.Status == 200).Settled!.Charged!.Value,
            (await market.ProviderBookAsync()).Channels[client.ChannelId].Base);
    });

    [Fact]
    public void A_failure_before_the_first_token_charges_nothing_and_the_same_voucher_pays_again() =>
        Opened(async (market, client, charged) =>
        {
            var body = PlainClient.Body();
            var terms = await client.TermsAsync(body);
            var payment = client.Pay(charged + terms.Amount);
            market.Engine.FailsAfter = 0;

            var failed = await client.PayAsync(body, terms, payment);

            Assert.Equal(502, failed.Status);
            Assert.Equal((Amount.Zero, charged), (failed.Settled!.Charged, failed.Settled.ChannelState!.Charged));
            market.Engine.FailsAfter = null;
            Assert.Equal(200, (await client.PayAsync(body, terms, payment)).Status);
        });

    [Fact]
    public void A_client_that_leaves_pays_for_what_was_made() => Opened(async (market, client, charged) =>
    {
        var body = PlainClient.Body(maxTokens: 12);
        var terms = await client.TermsAsync(body);
        var payment = new PaymentPayload(terms, client.Pay(charged + terms.Amount)).ToHeader();
        using var leaving = new CancellationTokenSource(TimeSpan.FromMilliseconds(150), market.Time);

        await Assert.ThrowsAnyAsync<Exception>(
            () => client.SendAsync("POST", PlainClient.Chat, body, payment, leaving.Token));
        await market.WaitAsync(5);

        var channel = (await market.ProviderBookAsync()).Channels[client.ChannelId];
        Assert.Null(channel.Request);
        Assert.InRange(channel.Base.Units, charged.Units + 28, charged.Units + terms.Amount.Units);
    });

    [Fact]
    public void No_voucher_is_taken_while_a_withdrawal_is_pending() => Opened(async (market, client, charged) =>
    {
        _ = (await market.Chain.Account(client.Key).SubmitAsync(
            new InitiateWithdraw(client.Config(), new(1_000)), default)).Value;
        await market.WaitAsync(5);

        var refused = await client.BuyAsync(PlainClient.Body(), charged);

        Assert.Equal((402, "withdrawal_pending"), (refused.Status, refused.Code));
    });

    [Fact]
    public void Refunds_of_more_than_is_left_or_by_others_are_refused() => Opened(async (market, client, charged) =>
    {
        var left = new Amount(Deposit) - charged;
        var stranger = new PlainClient(market, "thief");
        var sent = market.Chain.Transactions;
        var forged = client.Refund(charged) with
        {
            Voucher = Voucher.Sign(stranger.Key, client.Escrow, client.ChannelId, charged),
        };

        Assert.Equal(X402Errors.RefundAmount, (await client.RefundAsync(client.Refund(charged, Amount.Zero))).Code);
        Assert.Equal(
            X402Errors.RefundAmount, (await client.RefundAsync(client.Refund(charged, left + new Amount(1)))).Code);
        Assert.Equal(
            X402Errors.CumulativeMismatch, (await client.RefundAsync(client.Refund(charged - new Amount(1)))).Code);
        Assert.Equal(X402Errors.VoucherSignature, (await client.RefundAsync(forged)).Code);
        Assert.Equal(
            X402Errors.ChannelNotFound, (await stranger.RefundAsync(stranger.Refund(Amount.Zero))).Code);
        Assert.Equal(sent, market.Chain.Transactions);
        Assert.Equal(200, (await client.RefundAsync(client.Refund(charged))).Status);
        Assert.Equal(X402Errors.RefundNothing, (await client.RefundAsync(client.Refund(charged))).Code);
    });

    private static (int, string?) Of(PlainAnswer answer) => (answer.Status, answer.Code);

    // A client with an open channel, and what was charged on it for its first request.
    private static void Opened(Func<MarketHarness, PlainClient, Amount, Task> scenario) => MarketHarness.Run(
        Options, async market =>
        {
            var client = new PlainClient(market);
            var opened = await client.OpenAsync(PlainClient.Body(), Deposit);
            Assert.Equal(200, opened.Status);
            await scenario(market, client, opened.Settled!.ChannelState!.Charged!.Value);
        });
}
