using Souk.Gateway.Tests.Hostile;
using Souk.Ledger.Customer;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire.Paid;

namespace Souk.Gateway.Tests.Receipts;

/// <summary>A stream that broke is checked like a whole one, also after a restart of its provider.</summary>
public sealed class BrokenStreamsTests
{
    [Fact]
    public void After_a_restart_of_the_provider_the_whole_answer_is_checked_and_billed() =>
        HostileMarket.Run(async (market, meddler) =>
        {
            await BreakAsync(market, meddler);

            await market.StartProviderAsync();
            await market.UntilAsync(() => market.Gateway.Book.Outstanding.Count == 0, "the receipt was fetched");

            var money = await MoneySeen.OfAsync(market);
            // The break is a cancel: the prompt and the eight tokens until then.
            Assert.Equal((new Amount(76), new Amount(76)), (money.CustomerBase, money.ProviderBase));
            Assert.Equal(new Amount(76), money.Spent);
            Assert.DoesNotContain(
                market.Gateway.Book.Channels.Values, channel => channel.State == CustomerChannelState.Frozen);
        });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Ids_that_are_withheld_or_others_than_the_receipt_commits_to_are_disputed(bool areWithheld)
    {
        Meddler? now = null;
        MarketHarness.Run(
            new MarketOptions { Provider = inner => now = new Meddler(inner) }, async market =>
            {
                await BreakAsync(market, now!);
                await market.StartProviderAsync();
                now!.Instead = async (request, response, aborted) =>
                {
                    if (request.Method != "GET" || !NodePaths.TryRequest(request.Path, out var id, out _))
                    {
                        return false;
                    }

                    var receipt = (await market.ProviderBookAsync()).Requests[id].Receipt;
                    RequestChoice[] told = areWithheld ? [] : [new([.. Enumerable.Range(40, 12)], "stop")];
                    var record = new RequestRecord(id, RequestState.Ended, told, receipt);
                    await response.StartAsync(200, new() { { "content-type", "application/json" } }, aborted);
                    await response.WriteAsync(record.ToJson(), aborted);
                    return true;
                };

                await market.UntilAsync(
                    () => market.Gateway.Book.Channels.Values.Any(open => open.State == CustomerChannelState.Frozen),
                    "the channel is frozen");

                Assert.Equal(Amount.Zero, market.Account.Spent);
            });
    }

    // The receipt is written down, but neither the end of the answer nor the receipt arrives.
    private static async Task BreakAsync(MarketHarness market, Meddler meddler)
    {
        meddler.BreaksAt = 8;
        var reading = market.App.ChatAsync(body => body["stream"] = true);
        await market.UntilAsync(
            () => market.ProviderDisk.Notes == 1 && reading.IsCompleted, "the provider has ended the answer");
        await market.CrashProviderAsync();
    }
}
