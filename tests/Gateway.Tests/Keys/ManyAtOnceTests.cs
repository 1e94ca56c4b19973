using System.Numerics;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Souk.Gateway.Keys;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Ledger.Sqlite;
using Souk.Protocol;
using Souk.Testbed.Market;

namespace Souk.Gateway.Tests.Keys;

/// <summary>Ten thousand requests at one budget: together they never get more than it holds.</summary>
public sealed class ManyAtOnceTests
{
    private const int Requests = 10_000;
    private const ulong Budget = 1_000_000;
    private const ulong PerDay = 700_000;
    private const ulong NowMs = 1_800_000_000_000;
    private static readonly Bytes32 KeyHash = KeyDesk.HashOf("the key");

    [Fact]
    public async Task On_real_threads_and_a_real_disk_a_budget_is_never_overspent()
    {
        var folder = Directory.CreateTempSubdirectory("souk-budget-").FullName;
        var path = Path.Combine(folder, "gateway.ledger");
        try
        {
            BigInteger billed = 0;
            await using (var ledger = SqliteLedger.Open(path))
            {
                var journal = await Journal.OpenAsync<CustomerBook>(ledger, default);
                await journal.RecordAsync(new ApiKeyCreated(
                    KeyHash, "one", new Amount(Budget), null, NowMs, new KeyLimits(new Amount(PerDay))));
                using var over = new CancellationTokenSource();
                var watching = Task.Factory.StartNew(
                    () => Watch(journal, over.Token), default, TaskCreationOptions.LongRunning, TaskScheduler.Default);
                var bills = await Task.WhenAll(
                    Enumerable.Range(0, Requests).Select(number => Task.Run(() => RequestAsync(journal, number))));
                await over.CancelAsync();
                var looks = await watching;

                billed = bills.Aggregate(BigInteger.Zero, (sum, bill) => sum + (bill ?? 0));
                var account = journal.Durable.ApiKeys[KeyHash];
                Assert.Equal((billed, Amount.Zero), ((BigInteger)account.Spent.Units, account.Reserved));
                Assert.Empty(journal.Durable.Reservations);
                Assert.Equal(new Amount(PerDay) - account.Spent, account.AvailableOn(UtcDay.Of(NowMs)));
                Assert.Contains(bills, bill => bill is null);
                Assert.True(looks > 10, $"only {looks} looks");
                // And it ends exact: what the storm left can be spent to the last unit, and then nothing.
                billed += await RequestAsync(journal, Requests, account.AvailableOn(UtcDay.Of(NowMs))) ?? 0;
                Assert.Equal(PerDay, billed);
                Assert.Null(await RequestAsync(journal, Requests + 1, new Amount(1)));
            }

            CheckRows(path, billed);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Through_the_front_door_a_budget_is_spent_to_the_last_answer_that_fits(ulong seed) => MarketHarness.Run(
        new MarketOptions { Seed = seed, Interleaves = true, MostChannels = 6, WarmChannels = 6, Concurrency = 64 },
        async market =>
        {
            // The dearest answers cost 28 + 6 * 20, so seven can be reserved at once; an answer comes to 100.
            market.Engine.Tokens = 12;
            var (key, app) = await market.KeyAsync(KeyLimits.None, budget: 7 * 148);
            var watching = true;
            var looks = 0;
            var watch = WatchAsync();
            var replies = await Task.WhenAll(Enumerable.Range(0, Requests).Select(async number =>
            {
                // A few milliseconds apart, so that some come while others are being served.
                await market.WaitAsync(number % 97 / 100.0);
                return (await app.ChatAsync(body => body["max_tokens"] = 20)).Status;
            }));
            watching = false;
            await watch;

            var account = market.Gateway.Book.ApiKeys[key.Hash];
            var answered = replies.Count(status => status == 200);
            Assert.Equal(Requests - answered, replies.Count(status => status == 402));
            Assert.Equal((new Amount((ulong)answered * 100), Amount.Zero), (account.Spent, account.Reserved));
            Assert.InRange(answered, 7, 10);
            Assert.True(looks > 50, $"only {looks} looks");

            async Task WatchAsync()
            {
                while (watching)
                {
                    CheckBook(market.Gateway.Book, key.Hash);
                    looks++;
                    await market.WaitAsync(0.01);
                }
            }
        });

    // As a request does: sets aside by the rule that the gateway decides by, works a while, and is billed some of it.
    private static async Task<BigInteger?> RequestAsync(
        Journal<CustomerBook> journal, int number, Amount? whole = null)
    {
        var request = RequestId.Parse(number.ToString("x32", System.Globalization.CultureInfo.InvariantCulture));
        var worst = whole ?? new Amount((ulong)(1 + (number * 7919 % 2_000)));
        var refusal = await journal.RecordAsync(book =>
            KeyStanding.Reserve(book, KeyHash, request, worst, NowMs).TryGet(out var reserved, out var poor)
                ? new LedgerEvent[] { reserved }
                : poor);
        if (refusal is not null)
        {
            Assert.Equal("insufficient_quota", refusal.Code);
            return null;
        }

        await Task.Yield();
        var bill = whole ?? new Amount(worst.Units * (UInt128)(number % 5) / 4);
        await journal.RecordAsync(bill.IsZero
            ? new BudgetReleased(request, KeyHash, NowMs)
            : new BudgetCharged(request, KeyHash, bill, NowMs));
        return (BigInteger)bill.Units;
    }

    private static int Watch(Journal<CustomerBook> journal, CancellationToken over)
    {
        var looks = 0;
        while (!over.IsCancellationRequested)
        {
            CheckBook(journal.Book, KeyHash);
            CheckBook(journal.Durable, KeyHash);
            looks++;
        }

        return looks;
    }

    private static void CheckBook(CustomerBook book, Bytes32 keyHash)
    {
        var account = book.ApiKeys[keyHash];
        var reserved = book.Reservations.Values.Where(one => one.KeyHash == keyHash)
            .Aggregate(BigInteger.Zero, (sum, one) => sum + one.Amount.Units);
        Assert.Equal(reserved, (BigInteger)account.Reserved.Units);
        var most = account.Limits.BudgetPerDay ?? account.Budget;
        Assert.True(reserved + account.Spent.Units <= most.Units, $"{account.Spent} + {reserved} of {most}");
    }

    // Row by row out of the file, without the ledger's code: the state after every single row, and so at any moment.
    private static void CheckRows(string path, BigInteger billed)
    {
        var settings = new SqliteConnectionStringBuilder
        {
            DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false,
        };
        using var connection = new SqliteConnection(settings.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT kind, body FROM row ORDER BY sequence";
        using var reader = command.ExecuteReader();
        var held = new Dictionary<string, BigInteger>(StringComparer.Ordinal);
        var (spent, reserved, highest) = (BigInteger.Zero, BigInteger.Zero, BigInteger.Zero);
        while (reader.Read())
        {
            using var body = JsonDocument.Parse(reader.GetFieldValue<byte[]>(1));
            var request = body.RootElement.TryGetProperty("app_request", out var name) ? name.GetString()! : "";
            switch (reader.GetString(0))
            {
                case "budget_reserved":
                    held.Add(request, Units(body.RootElement, "reserved"));
                    reserved += held[request];
                    break;
                case "budget_charged":
                    spent += Units(body.RootElement, "charged");
                    reserved -= held[request];
                    break;
                case "budget_released":
                    reserved -= held[request];
                    break;
            }

            highest = BigInteger.Max(highest, spent + reserved);
            Assert.True(spent + reserved <= PerDay, $"{spent} spent and {reserved} reserved of {PerDay}");
        }

        Assert.Equal((billed, BigInteger.Zero), (spent, reserved));
        // It was tight: the budget was all but used up at some moment.
        Assert.True(highest > PerDay - 2_000, $"at most {highest} of {PerDay} were in use");
    }

    private static BigInteger Units(JsonElement from, string name) => BigInteger.Parse(
        from.GetProperty(name).GetString()!, System.Globalization.CultureInfo.InvariantCulture);
}
