using System.Text.Json.Nodes;
using Souk.Protocol;
using Souk.Testbed.Engines;
using Souk.Testbed.Market;
using Souk.Wire.Paid;

namespace Souk.Provider.Tests.Requests;

/// <summary>Answers that are served: what they charge however they end, and what their receipts say.</summary>
public sealed class PaidAnswersTests
{
    private static readonly MarketOptions Options = new() { WarmChannels = 0 };

    [Fact]
    public void An_answer_charges_its_counts_and_its_receipt_holds_for_whoever_recomputes_it() =>
        MarketHarness.Run(Options, async market =>
        {
            var buyer = new Buyer(market);
            var channel = await buyer.OpenAsync();
            var body = buyer.Body();
            var request = await buyer.NextAsync(channel, body, 64);

            var bought = await buyer.SendAsync(request, body);

            var receipt = bought.Receipt!.Message;
            Assert.True(bought.IsDone);
            Assert.Equal((14UL, 0UL, 12UL), (receipt.InputTokens, receipt.CachedTokens, receipt.OutputTokens));
            Assert.Equal(new Amount((14 * 2) + (12 * 6)), receipt.Charge);
            Assert.Equal(receipt.Charge, receipt.Cumulative);
            Assert.Equal("stop", receipt.FinishReason);
            Assert.Equal(market.Keys.Node.Address, bought.Receipt.Signer(market.Chain.Network.SoukDomain));
            Assert.Equal(TinyModel.End, bought.Ids[^1]);
            var salt = request.Salt.ToBytes();
            Assert.Equal(Commitments.Request(salt, body), receipt.RequestCommitment);
            Assert.Equal(Commitments.Output(salt, [bought.Ids]), receipt.OutputCommitment);
            Assert.Equal(bought.Reply.ProviderNonce, receipt.ProviderNonce);
            Assert.True(NonceChain.Verify(
                receipt.ProviderNonce, 1, channel.Acceptance!.Message.NonceAnchor, channel.Acceptance.Message.Index));
            Assert.Equal(KeySources.TwoParty, receipt.KeySource);
        });

    [Fact]
    public void A_seed_gives_the_same_answer_again_and_two_parties_another() =>
        MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        var first = await buyer.BuyAsync(channel, 64, body => body["seed"] = 7);
        var second = await buyer.BuyAsync(channel, 64, body => body["seed"] = 7);
        var third = await buyer.BuyAsync(channel);

        Assert.Equal(KeySources.AppSeed, first.Receipt!.Message.KeySource);
        Assert.Equal(first.Ids, second.Ids);
        Assert.NotEqual(first.Ids, third.Ids);
    });

    [Fact]
    public void An_answer_at_its_limit_ends_at_once_though_nothing_more_is_covered() =>
        MarketHarness.Run(Options, async market =>
        {
            var buyer = new Buyer(market);
            var channel = await buyer.OpenAsync();
            market.Engine.IsEndless = true;
            var start = market.Time.GetUtcNow();

            var bought = await buyer.BuyAsync(channel, 16, body => body["max_tokens"] = 16);

            Assert.Equal(("length", 16UL), (bought.Receipt!.Message.FinishReason, bought.Receipt.Message.OutputTokens));
            Assert.True(market.Time.GetUtcNow() - start < TimeSpan.FromSeconds(2),
                "It waited for cover it did not need.");
        });

    [Fact]
    public void An_uncovered_answer_pauses_ten_seconds_and_ends_at_the_covered_token() =>
        MarketHarness.Run(Options, async market =>
        {
            var buyer = new Buyer(market);
            var channel = await buyer.OpenAsync();
            market.Engine.IsEndless = true;
            var start = market.Time.GetUtcNow();

            var bought = await buyer.BuyAsync(channel, 20);

            var receipt = bought.Receipt!.Message;
            Assert.Equal(("length", 20UL), (receipt.FinishReason, receipt.OutputTokens));
            Assert.Equal(channel.Ceiling, receipt.Cumulative);
            Assert.InRange((market.Time.GetUtcNow() - start).TotalSeconds, 10, 12);
            Assert.Equal(20, market.Engine.Generated);
        });

    [Fact]
    public void A_raise_lets_the_answer_go_on_and_comes_too_late_afterwards() =>
        MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        market.Engine.Tokens = 30;
        var body = buyer.Body();
        var request = await buyer.NextAsync(channel, body, 16);
        var raise = new VoucherRaise(buyer.Voucher(channel, buyer.Cost(body, 40)), 10);
        Result<RaiseOutcome>? taken = null;

        var bought = await buyer.SendAsync(request, body, async tokens =>
        {
            if (tokens == 10)
            {
                taken = await buyer.Client.RaiseAsync(market.ProviderTarget, request.Id, raise, CancellationToken.None);
                var same = await buyer.Client.RaiseAsync(market.ProviderTarget, request.Id, raise,
                    CancellationToken.None);
                Assert.Equal("count_not_higher", same.Refusal!.Code);
            }
        });

        Assert.True(taken!.Value.Value.IsTaken);
        Assert.Equal(("stop", 30UL), (bought.Receipt!.Message.FinishReason, bought.Receipt.Message.OutputTokens));
        var late = await buyer.Client.RaiseAsync(
            market.ProviderTarget, request.Id, raise with { IdsReceived = 30 }, CancellationToken.None);
        Assert.False(late.Value.IsTaken);
        Assert.Equal(bought.Receipt, late.Value.Receipt);
    });

    [Fact]
    public void A_raise_that_lies_is_refused() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        var body = buyer.Body();
        var request = await buyer.NextAsync(channel, body, 16);
        List<string> codes = [];
        await buyer.SendAsync(request, body, async tokens =>
        {
            if (tokens == 4)
            {
                var stranger = Voucher.Sign(
                    market.Keys.Stranger, market.Chain.Network.EscrowDomain, channel.Id, buyer.Cost(body, 40));
                foreach (var raise in new VoucherRaise[]
                {
                    new(buyer.Voucher(channel, buyer.Cost(body, 40)), 1_000),
                    new(buyer.Voucher(channel, buyer.Cost(body, 15)), 2),
                    new(buyer.Voucher(channel, new(20_001)), 2),
                    new(stranger, 2),
                })
                {
                    var told = await buyer.Client.RaiseAsync(
                        market.ProviderTarget, request.Id, raise, CancellationToken.None);
                    codes.Add(told.Refusal!.Code);
                }
            }
        });

        Assert.Equal(
            ["count_impossible", "voucher_lower", "voucher_above_deposit", "voucher_signer_mismatch"], codes);
        Assert.Equal(request.Voucher, (await market.ProviderBookAsync()).Channels[channel.Id].Highest);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_cancel_charges_what_was_generated_before_it(bool byDelete) =>
        MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        market.Engine.IsEndless = true;
        var body = buyer.Body();
        var request = await buyer.NextAsync(channel, body, 64);
        using var leaving = new CancellationTokenSource();

        var bought = await buyer.SendAsync(request, body, async tokens =>
        {
            if (tokens == 5 && byDelete)
            {
                Assert.Null(await buyer.Client.CancelAsync(market.ProviderTarget, request.Id, CancellationToken.None));
            }
            else if (tokens == 5)
            {
                leaving.Cancel();
            }
        }, leaving.Token);

        await market.WaitAsync(1);
        var record = (
            await buyer.Client.GetRequestAsync(market.ProviderTarget, request.Id, CancellationToken.None)).Value;
        var receipt = record.Receipt!.Message;
        Assert.Equal("cancelled", receipt.FinishReason);
        Assert.InRange(receipt.OutputTokens, 5UL, 12UL);
        Assert.Equal((ulong)record.Choices[0].Ids.Count, receipt.OutputTokens);
        Assert.Equal(new Amount(28 + (receipt.OutputTokens * 6)), receipt.Charge);
        Assert.Equal(byDelete, bought.Receipt is not null);
        Assert.Equal(0, market.Engine.Running);
    });

    [Theory]
    [InlineData(0, 0)]
    [InlineData(3, 28 + 18)]
    public void A_failing_engine_charges_nothing_before_the_first_token(int after, int charge) =>
        MarketHarness.Run(Options, async market =>
        {
            var buyer = new Buyer(market);
            var channel = await buyer.OpenAsync();
            market.Engine.FailsAfter = after;

            var bought = await buyer.BuyAsync(channel);

            Assert.Equal("error", bought.Receipt!.Message.FinishReason);
            Assert.Equal(new Amount((UInt128)charge), bought.Receipt.Message.Charge);
            Assert.Contains(bought.Chunks, chunk => chunk["error"] is not null);
            market.Engine.FailsAfter = null;
            Assert.Equal("stop", (await buyer.BuyAsync(channel)).Receipt!.Message.FinishReason);
        });

    [Fact]
    public void A_bug_in_the_engine_still_ends_with_a_receipt() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        market.Engine.FailsAfter = 2;
        market.Engine.Failure = () => new InvalidOperationException("a bug");

        var bought = await buyer.BuyAsync(channel);

        Assert.Equal("error", bought.Receipt!.Message.FinishReason);
        Assert.DoesNotContain("a bug", bought.Chunks[^1].ToJsonString(), StringComparison.Ordinal);
    });

    [Fact]
    public void Several_choices_and_stop_strings_are_counted_whole() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        var bought = await buyer.BuyAsync(channel, 64, body =>
        {
            body["n"] = 2;
            body["stop"] = new JsonArray("e");
            body["max_tokens"] = 20;
        });

        Assert.Equal((ulong)bought.Ids.Count, bought.Receipt!.Message.OutputTokens);
        var text = string.Concat(bought.Chunks.SelectMany(chunk => chunk["choices"]!.AsArray())
            .Select(choice => (string?)choice!["delta"]!["content"]));
        Assert.DoesNotContain("e", text, StringComparison.Ordinal);
    });

    [Fact]
    public void Unknown_requests_are_unknown() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var id = market.Scheduler.Randomness.Fork("id").NextRequestId();

        Assert.Equal("request_unknown", (await buyer.Client.GetRequestAsync(
            market.ProviderTarget, id, CancellationToken.None)).Refusal!.Code);
        Assert.Equal("request_unknown", (await buyer.Client.CancelAsync(
            market.ProviderTarget, id, CancellationToken.None))!.Code);
    });

    [Fact]
    public void The_ids_of_an_answer_outlive_a_restart_and_are_erased_after_a_day() =>
        MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        var body = buyer.Body();
        var request = await buyer.NextAsync(channel, body, 64);
        var bought = await buyer.SendAsync(request, body);

        await market.CrashProviderAsync();
        await market.StartProviderAsync();

        var record = (
            await buyer.Client.GetRequestAsync(market.ProviderTarget, request.Id, CancellationToken.None)).Value;
        Assert.Equal(bought.Ids, Assert.Single(record.Choices).Ids);
        Assert.Equal(bought.Receipt, record.Receipt);
        Assert.Equal(1, market.ProviderDisk.Notes);
        market.Scheduler.JumpWallClock(TimeSpan.FromHours(24));
        await market.WaitAsync(11 * 60);
        Assert.Equal(0, market.ProviderDisk.Notes);
        Assert.Equal("request_unknown", (await buyer.Client.GetRequestAsync(
            market.ProviderTarget, request.Id, CancellationToken.None)).Refusal!.Code);
    });

    [Fact]
    public void After_a_crash_the_receipt_charges_input_and_the_last_count() =>
        MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        market.Engine.IsEndless = true;
        var body = buyer.Body();
        var request = await buyer.NextAsync(channel, body, 16);

        var bought = await buyer.SendAsync(request, body, async tokens =>
        {
            if (tokens == 10)
            {
                var raise = new VoucherRaise(buyer.Voucher(channel, buyer.Cost(body, 40)), 10);
                await buyer.Client.RaiseAsync(market.ProviderTarget, request.Id, raise, CancellationToken.None);
            }
            else if (tokens == 14)
            {
                await market.CrashProviderAsync();
            }
        });
        await market.StartProviderAsync();

        Assert.Null(bought.Receipt);
        var record = (
            await buyer.Client.GetRequestAsync(market.ProviderTarget, request.Id, CancellationToken.None)).Value;
        var receipt = record.Receipt!.Message;
        Assert.Equal("error", receipt.FinishReason);
        Assert.Equal((14UL, 10UL), (receipt.InputTokens, receipt.OutputTokens));
        Assert.Equal(Bytes32.Zero, receipt.OutputCommitment);
        Assert.Equal(new Amount(28 + 60), receipt.Charge);
        market.Engine.IsEndless = false;
        channel.Base = receipt.Cumulative;
        channel.Ceiling = buyer.Cost(body, 40);
        Assert.Equal("stop", (await buyer.BuyAsync(channel)).Receipt!.Message.FinishReason);
    });

    [Theory]
    [InlineData(0.5, 0)]
    [InlineData(1.3, 28)]
    public void After_a_crash_before_any_raise_a_prompt_is_charged_once_it_was_written_down(double after, int charge) =>
        MarketHarness.Run(Options, async market =>
        {
            var buyer = new Buyer(market);
            var channel = await buyer.OpenAsync();
            // Whether tokens come or the prompt takes long, the row is written after a second.
            market.Engine.PrefillTime = TimeSpan.FromSeconds(charge == 0 ? 0.1 : 10);
            market.Engine.IsEndless = true;
            var body = buyer.Body();
            var request = await buyer.NextAsync(channel, body, 64);
            var sending = buyer.SendAsync(request, body);
            await market.WaitAsync(after);

            await market.CrashProviderAsync();
            await sending;
            await market.StartProviderAsync();

            var record = (
                await buyer.Client.GetRequestAsync(market.ProviderTarget, request.Id, CancellationToken.None)).Value;
            Assert.Equal(new Amount((UInt128)charge), record.Receipt!.Message.Charge);
        });

    [Fact]
    public void An_answer_takes_two_syncs_of_the_disk() => MarketHarness.Run(Options, async market =>
    {
        var buyer = new Buyer(market);
        var channel = await buyer.OpenAsync();
        var request = await buyer.NextAsync(channel, buyer.Body(), 64);
        var before = market.ProviderDisk.Syncs;

        await buyer.SendAsync(request, buyer.Body());

        Assert.Equal(2, market.ProviderDisk.Syncs - before);
    });
}
