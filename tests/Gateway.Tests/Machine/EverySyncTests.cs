using System.Text;
using System.Text.Json.Nodes;
using Souk.Gateway.Front.Idempotency;
using Souk.Ledger;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Protocol;
using Souk.Testbed.Market;
using Souk.Testbed.Stores;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Gateway.Tests.Machine;

/// <summary>
/// Two paid requests and their claims, once for each sync that a role's ledger does in their course: there the role
/// dies, and what was being written is lost, or its first append survives without anybody having been told.
/// </summary>
public sealed class EverySyncTests
{
    private const int Tokens = 40;
    private const int MostAttempts = 60;
    private const string First = "first";
    private const string Second = "second";
    private static readonly MarketOptions _options = new()
    {
        // So cheap that every answer is claimed at once.
        GasMoneyPrice = new(100_000),
    };

    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    [InlineData(false, 1)]
    public void Whatever_sync_a_role_dies_at_books_agree_and_nothing_told_is_lost(bool isGateway, int surviving)
    {
        var syncs = 0;
        MarketHarness.Run(_options, async market =>
        {
            var before = DiskOf(market, isGateway).Syncs;
            await new Course(market).RunAsync();
            syncs = DiskOf(market, isGateway).Syncs - before;
        });
        Assert.InRange(syncs, 8, 100);
        for (var at = 1; at <= syncs; at++)
        {
            MarketHarness.Run(_options, async market =>
            {
                var disk = DiskOf(market, isGateway);
                var died = new TaskCompletionSource();
                disk.Died = died.SetResult;
                disk.DiesAt = (disk.Syncs + at, surviving);
                var course = new Course(market);
                var running = course.RunAsync();
                await Task.WhenAny(died.Task, running);
                Assert.True(died.Task.IsCompleted);
                if (isGateway)
                {
                    market.KillGateway();
                    await market.WaitAsync(1);
                    await market.StartGatewayAsync();
                }
                else
                {
                    market.KillProvider();
                    await market.WaitAsync(1);
                    await market.StartProviderAsync();
                }

                await running;
                await course.GoOnAsync();
            });
        }
    }

    private static MemoryStore DiskOf(MarketHarness market, bool isGateway) =>
        isGateway ? market.GatewayDisk : market.ProviderDisk;

    /// <summary>What is done and checked, whether somebody dies or not.</summary>
    private sealed class Course(MarketHarness market)
    {
        private readonly List<(string Name, AppReply Reply)> _heard = [];

        public async Task RunAsync()
        {
            market.Engine.Tokens = Tokens;
            await AskAsync(First, isStreamed: false);
            await AskAsync(Second, isStreamed: true);
            await market.UntilAsync(IsSettled, "all is explained and claimed", 300);
            await CheckAsync();
        }

        public async Task GoOnAsync()
        {
            await AskAsync("third", isStreamed: false);
            Assert.Equal(200, _heard[^1].Reply.Status);
        }

        private bool IsSettled()
        {
            var book = market.Gateway.Book;
            return book.Outstanding.Count == 0 && book.Reservations.Count == 0
                && book.Channels.Values.All(channel =>
                    channel.Base == market.Chain.Channel(channel.Id).Claimed)
                && book.Channels.Values.Any(channel => !channel.Base.IsZero);
        }

        // Asks as an SDK does: what breaks or may be tried again is.
        private async Task AskAsync(string name, bool isStreamed)
        {
            for (var attempt = 0; ; attempt++)
            {
                Assert.True(attempt < MostAttempts, "No answer comes.");
                var body = new JsonObject
                {
                    ["model"] = MarketHarness.ModelName, ["stream"] = isStreamed,
                    ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Hello there" }),
                };
                var request = WireRequest.Json(
                    "POST", NodePaths.ChatCompletions["/souk".Length..], Encoding.UTF8.GetBytes(body.ToJsonString()));
                request.Headers[ReplayDesk.Header] = name;
                var reply = await market.App.SendAsync(request);
                _heard.Add((name, reply));
                // A stream that failed may be done again once it is known to have cost nothing; charged, it stays so.
                if (!reply.IsBroken && (reply.Status == 400
                    || (reply.Status == 200 && (IsWhole(reply) || attempt == MostAttempts / 2))))
                {
                    return;
                }

                Assert.True(reply.IsBroken || reply.Status is 200 or 409 or 429 or >= 500, reply.Text);
                await market.WaitAsync(1);
            }
        }

        private async Task CheckAsync()
        {
            var customer = await EventsAsync(market.GatewayLedger);
            var provider = await EventsAsync(market.ProviderLedger);
            var money = await MoneySeen.OfAsync(market);
            Assert.Equal(
                (money.CustomerBase, money.CustomerBase, money.CustomerBase, Amount.Zero),
                (money.ProviderBase, money.ProviderEarned, money.Claimed, money.CustomerLosses));
            Assert.Equal(money.CustomerBase, money.Spent);
            Assert.DoesNotContain(
                market.Gateway.Book.Channels.Values, channel => channel.State == CustomerChannelState.Frozen);
            var signed = provider.OfType<ReceiptSigned>().Select(row => row.Receipt).ToList();
            Assert.Equal(
                signed.Select(receipt => receipt.Message.RequestId).Distinct().Count(), signed.Count);
            Assert.All(customer.OfType<ReceiptReceived>(), row => Assert.Contains(row.Receipt, signed));
            var issued = customer.OfType<VoucherIssued>().Select(row => row.Voucher).ToHashSet();
            Assert.All(provider.OfType<VoucherAccepted>(), row => Assert.Contains(row.Voucher, issued));
            CheckName(First, customer);
            CheckName(Second, customer);
        }

        private static bool IsWhole(AppReply reply) => !reply.IsBroken
            && (reply.Text.StartsWith('{') || reply.Text.EndsWith("data: [DONE]\n\n", StringComparison.Ordinal));

        // One charge a name; the same bytes for all who get the answer; what the app was told it cost is what it cost.
        private void CheckName(string name, List<LedgerEvent> customer)
        {
            var id = ReplayName.Of(market.Key.Secret, name, WireRequest.Get("/")).Id;
            var doings = customer.OfType<RequestNamed>().Where(row => row.Name == id)
                .Select(row => row.AppRequest).ToHashSet();
            var charged = Assert.Single(customer.OfType<BudgetCharged>(), row => doings.Contains(row.AppRequest));
            var replies = _heard.Where(heard => heard.Name == name && heard.Reply.Status == 200)
                .Select(heard => heard.Reply)
                .ToList();
            var whole = replies.Where(IsWhole).Select(reply => reply.Text)
                .Distinct(StringComparer.Ordinal).ToList();
            Assert.True(whole.Count <= 1);
            Assert.All(
                replies.Where(reply => !reply.IsBroken && reply.Headers["content-type"] == "application/json"),
                reply => Assert.Equal(
                    charged.Charged.ToDecimal(6), reply.Json["usage"]!["cost"]!.ToJsonString()));
            // What an app saw and nobody paid for is less than a slice.
            var receipts = customer.OfType<ReceiptReceived>().Select(row => row.Receipt.Message)
                .Where(receipt => customer.OfType<RequestSent>().Any(
                    sent => sent.Request == receipt.RequestId && doings.Contains(sent.AppRequest)));
            var paid = (long)receipts.Aggregate(0UL, static (sum, receipt) => sum + receipt.OutputTokens);
            var most = replies.Select(Shown).DefaultIfEmpty(0).Max();
            Assert.True(most - paid <= (long)market.Options.SliceTokens, $"{most} tokens were shown, {paid} paid");
        }

        // A letter is a token; the end token is none that shows.
        private static int Shown(AppReply reply)
        {
            var text = reply.Text.LastIndexOf("\n\n", StringComparison.Ordinal) is var end and >= 0
                ? reply with { Text = reply.Text[..(end + 2)] }
                : reply;
            return reply.IsBroken && !reply.Text.StartsWith("data:", StringComparison.Ordinal)
                ? 0 : text.Content().Length;
        }

        private static async Task<List<LedgerEvent>> EventsAsync(ILedger ledger)
        {
            List<LedgerEvent> events = [];
            await foreach (var row in ledger.ReadAsync(0, CancellationToken.None))
            {
                events.Add(RowCodec.ToEvent(row));
            }

            return events;
        }
    }
}
