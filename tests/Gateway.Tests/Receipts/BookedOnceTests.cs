using Souk.Gateway.Tests.Hostile;
using Souk.Ledger.Customer;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Gateway.Tests.Receipts;

/// <summary>A receipt moves money once, however often and by whatever way it arrives.</summary>
public sealed class BookedOnceTests
{
    private const string Receipt = ": souk-receipt";

    [Fact]
    public void A_receipt_that_comes_twice_in_a_stream_is_booked_once() => HostileMarket.Run(async (market, meddler) =>
    {
        meddler.OnEvent = text => text.StartsWith(Receipt, StringComparison.Ordinal) ? [text, text] : [text];

        var reply = await market.App.ChatAsync();

        Assert.Equal(200, reply.Status);
        await ExpectOnceAsync(market, reply, 1);
    });

    [Fact]
    public void A_stream_that_ends_at_its_receipt_is_booked_and_not_chased() =>
        HostileMarket.Run(async (market, meddler) =>
        {
            var asked = 0;
            meddler.Instead = (request, _, _) =>
            {
                asked += IsChase(request) ? 1 : 0;
                return Task.FromResult(false);
            };
            meddler.OnEvent = text => text is "data: [DONE]" ? throw new IOException("cut") : [text];

            var reply = await market.App.ChatAsync();
            await market.WaitAsync(10);

            Assert.Equal(200, reply.Status);
            await ExpectOnceAsync(market, reply, 1);
            Assert.Equal(0, asked);
        });

    [Fact]
    public void Two_that_fetch_the_same_receipt_at_once_book_it_once() => HostileMarket.Run(async (market, meddler) =>
    {
        // The app's own wait for its bill and the chaser's turn both ask; both are answered at the same instant.
        meddler.OnEvent = text => text.StartsWith(Receipt, StringComparison.Ordinal) ? throw new IOException("cut")
            : [text];
        var both = new TaskCompletionSource();
        var asked = 0;
        meddler.Instead = async (request, _, _) =>
        {
            if (IsChase(request))
            {
                if (++asked == 2)
                {
                    both.SetResult();
                }

                await both.Task.WaitAsync(TimeSpan.FromSeconds(20), market.Time, CancellationToken.None);
            }

            return false;
        };

        var reply = await market.App.ChatAsync();

        Assert.Equal((200, 2), (reply.Status, asked));
        await ExpectOnceAsync(market, reply, 1);
        meddler.OnEvent = null;
        await ExpectOnceAsync(market, await market.App.ChatAsync(), 2);
    });

    [Fact]
    public void A_request_that_has_just_left_is_not_chased_and_so_not_cancelled() =>
        HostileMarket.Run(async (market, meddler) =>
        {
            List<double> chased = [];
            market.Engine.Tokens = 300;
            var start = market.Time.GetUtcNow();
            meddler.Instead = (request, _, _) =>
            {
                if (IsChase(request))
                {
                    chased.Add((market.Time.GetUtcNow() - start).TotalSeconds);
                }

                return Task.FromResult(false);
            };

            // Nobody watches the stream after a restart, as between the book's entry and the sending.
            var reading = market.App.ChatAsync();
            await market.WaitAsync(0.3);
            await market.CrashGatewayAsync();
            await market.StartGatewayAsync();
            await reading;
            await market.UntilAsync(() => market.Gateway.Book.Outstanding.Count == 0, "the receipt was fetched");

            Assert.InRange(chased[0], 2, 3.5);
        });

    private static bool IsChase(WireRequest request) =>
        request.Method == "GET" && NodePaths.TryRequest(request.Path, out _, out _);

    private static async Task ExpectOnceAsync(MarketHarness market, AppReply reply, int answers)
    {
        var charge = new Amount((UInt128)(100 * answers));
        var money = await MoneySeen.OfAsync(market);
        Assert.Equal((charge, charge, charge), (money.Spent, money.CustomerBase, money.ProviderBase));
        Assert.Equal(Amount.Zero, money.Reserved);
        Assert.Equal("0.0001", reply.Json["usage"]!["cost"]!.ToJsonString());
        Assert.Empty(market.Gateway.Book.Outstanding);
        Assert.DoesNotContain(
            market.Gateway.Book.Channels.Values, channel => channel.State == CustomerChannelState.Frozen);
    }
}
