using Souk.Ledger.Customer;
using Souk.Ledger.Repair;
using Souk.Ledger.Rows;
using Souk.Ledger.Sqlite;
using Souk.Protocol;
using static Souk.Ledger.Tests.Rows.Samples;

namespace Souk.Ledger.Tests.Repair;

/// <summary>Whatever row is damaged, the ledger goes on with the others, and what is lost is told in money.</summary>
public sealed class LedgerRepairTests : IDisposable
{
    private const int Requests = 4;
    private readonly string _folder = Directory.CreateTempSubdirectory("souk-repair-").FullName;

    private string LedgerPath => Path.Combine(_folder, "some.ledger");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_gateway_loses_no_more_than_the_damaged_row()
    {
        var events = Bought().ToList();
        await WriteAsync(events);
        var whole = await File.ReadAllBytesAsync(LedgerPath);
        var truth = (await LedgerRepair.CheckAsync(LedgerPath, Menders.Customer, 1)).Book;
        var (channel, key) = (truth.Channels[Channel], truth.ApiKeys[Hash("key")]);
        for (var row = 3; row < events.Count; row++)
        {
            await DamageAsync(whole, events[row]);
            Assert.Equal(
                row + 1, Assert.Throws<LedgerCorruptException>(() => SqliteLedger.Open(LedgerPath)).Sequence);
            var found = await LedgerRepair.RepairAsync(LedgerPath, Menders.Customer, 9_000);

            Assert.Equal([(row + 1L, row + 1L)], found.Lost);
            Assert.NotNull(found.Why);
            var again = await LedgerRepair.CheckAsync(LedgerPath, Menders.Customer, 9_001);
            Assert.Null(again.Why);
            var mended = again.Book.Channels[Channel];
            Assert.Empty(again.Book.Reservations);

            // Only the last receipt is replaced by nothing, and it is fetched again.
            var isLastReceipt = events[row] is ReceiptReceived { Receipt.Message.Index: Requests };
            Assert.Equal(isLastReceipt ? CustomerChannelState.Busy : CustomerChannelState.Idle, mended.State);
            Assert.Equal(isLastReceipt ? 1 : 0, again.Book.Outstanding.Count);
            Assert.Equal(isLastReceipt ? channel.Base - Units(100) : channel.Base, mended.Base);
            Assert.Equal(channel.Index, mended.Index);
            // Nor is the last voucher, which the provider has.
            var isLastVoucher = events[row] is VoucherIssued { Index: Requests };
            Assert.Equal(isLastVoucher ? channel.Ceiling - Units(100) : channel.Ceiling, mended.Ceiling);
            var spent = again.Book.ApiKeys[Hash("key")].Spent;
            Assert.Equal(events[row] is BudgetCharged ? key.Spent - Units(90) : key.Spent, spent);
            var doubt = found.Doubts.SingleOrDefault(doubt => doubt.Of == Channel);
            Assert.Equal(
                events[row] is ReceiptReceived && !isLastReceipt ? Units(100) : Amount.Zero, doubt?.Amount
                    ?? Amount.Zero);
        }
    }

    [Fact]
    public async Task A_provider_loses_no_more_than_the_damaged_row()
    {
        var events = Sold().ToList();
        await WriteAsync(events);
        var whole = await File.ReadAllBytesAsync(LedgerPath);
        var channel = (await LedgerRepair.CheckAsync(LedgerPath, Menders.Provider, 1)).Book.Channels[Channel];
        for (var row = 2; row < events.Count; row++)
        {
            await DamageAsync(whole, events[row]);
            var found = await LedgerRepair.RepairAsync(LedgerPath, Menders.Provider, 9_000);
            var again = await LedgerRepair.CheckAsync(LedgerPath, Menders.Provider, 9_001);
            var mended = again.Book.Channels[Channel];

            Assert.Null(again.Why);
            var (isLastReceipt, isLastVoucher) = (
                events[row] is ReceiptSigned { Receipt.Message.Index: Requests },
                events[row] is VoucherAccepted voucher && voucher.Voucher.MaxClaimable == channel.Ceiling);
            Assert.Equal(isLastReceipt ? channel.Base - Units(100) : channel.Base, mended.Base);
            Assert.Equal(channel.Index, mended.Index);
            Assert.Equal(isLastVoucher, mended.Ceiling < channel.Ceiling);
            // What nobody has promised any more is told.
            var doubts = found.Doubts.Select(doubt => (doubt.Of, doubt.Amount));
            Assert.Equal(isLastVoucher ? [(Channel, mended.Base - mended.Ceiling)] : [], doubts);
        }
    }

    [Fact]
    public async Task A_file_cut_in_half_keeps_what_comes_before()
    {
        await WriteAsync([.. Bought(), .. Enumerable.Range(0, 200).Select(Filler)]);
        var whole = await File.ReadAllBytesAsync(LedgerPath);
        await File.WriteAllBytesAsync(LedgerPath, whole[..(whole.Length / 2)]);
        Assert.ThrowsAny<LedgerException>(() => SqliteLedger.Open(LedgerPath));

        var found = await LedgerRepair.RepairAsync(LedgerPath, Menders.Customer, 9_000);

        Assert.True(found.Kept > 50, $"Only {found.Kept} rows were kept.");
        Assert.True(found.Lost.Sum(range => range.Last - range.First + 1) > 50);
        await SqliteLedger.Open(LedgerPath).DisposeAsync();
        Assert.True(File.Exists(LedgerPath + ".damaged-9000"));
        Assert.Equal(whole.Length / 2, new FileInfo(LedgerPath + ".damaged-9000").Length);
    }

    [Theory]
    [InlineData(3, 4)] // The file's magic text.
    [InlineData(17, 4)] // The size of its pages.
    [InlineData(59, 2)] // How it writes texts.
    public async Task A_damaged_head_hides_no_rows(int at, byte bit)
    {
        await WriteAsync([.. Bought()]);
        var whole = await File.ReadAllBytesAsync(LedgerPath);
        whole[at] ^= bit;
        await File.WriteAllBytesAsync(LedgerPath, whole);
        Assert.ThrowsAny<LedgerException>(() => SqliteLedger.Open(LedgerPath));

        var found = await LedgerRepair.RepairAsync(LedgerPath, Menders.Customer, 9_000);
        Assert.Empty(found.Lost);
        Assert.Equal(Bought().Count(), found.Kept);
    }

    [Fact]
    public async Task An_older_copy_goes_on_only_after_it_was_repaired_and_says_how_much_is_missing()
    {
        await WriteAsync([.. Bought()]);
        var older = await File.ReadAllBytesAsync(LedgerPath);
        await using (var ledger = SqliteLedger.Open(LedgerPath))
        {
            await ledger.AppendAsync([RowCodec.ToEntry(Filler(1)), RowCodec.ToEntry(Filler(2))]);
        }

        await File.WriteAllBytesAsync(LedgerPath, older);
        var count = Bought().Count();
        var found = await LedgerRepair.RepairAsync(LedgerPath, Menders.Customer, 9_000);
        Assert.IsType<LedgerBehindException>(found.Why);
        Assert.Equal([(count + 1L, count + 2L)], found.Lost);
        await using var again = SqliteLedger.Open(LedgerPath);
        Assert.Equal(count + 1, again.Sequence);
    }

    [Fact]
    public async Task A_whole_ledger_is_left_alone_and_one_of_a_later_version_is_not_touched()
    {
        await WriteAsync([.. Bought()]);
        var whole = await File.ReadAllBytesAsync(LedgerPath);
        Assert.Null((await LedgerRepair.RepairAsync(LedgerPath, Menders.Customer, 9_000)).Why);
        Assert.Equal(whole, await File.ReadAllBytesAsync(LedgerPath));
        Assert.Equal([".lock", ".mark", ""], Directory.GetFiles(_folder).Select(file => file[LedgerPath.Length..])
            .OrderByDescending(end => end.Length).ThenBy(end => end, StringComparer.Ordinal));

        using (var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={LedgerPath};Pooling=False"))
        {
            connection.Open();
            LedgerSchema.Execute(connection, "UPDATE format SET version = 99");
        }

        await Assert.ThrowsAsync<LedgerFormatException>(
            () => LedgerRepair.RepairAsync(LedgerPath, Menders.Customer, 9_000));
    }

    [Fact]
    public async Task Notes_come_along()
    {
        var note = new LedgerNote("the ids"u8.ToArray(), 99_000);
        var events = Bought().ToList();
        await WriteAsync(events);
        await using (var ledger = SqliteLedger.Open(LedgerPath))
        {
            await ledger.AppendAsync([RowCodec.ToEntry(Filler(1))], note);
        }

        await DamageAsync(await File.ReadAllBytesAsync(LedgerPath), events[5]);
        await LedgerRepair.RepairAsync(LedgerPath, Menders.Customer, 9_000);
        await using var again = SqliteLedger.Open(LedgerPath);
        Assert.Equal(note.Body.ToArray(), (await again.FindNoteAsync(Filler(1).Key, default))!.Value.ToArray());
    }

    private static ApiKeyCreated Filler(int number) =>
        new(Sha.Hash(BitConverter.GetBytes(number)), $"filler {number}", Units(1), null, 1);

    private static IEnumerable<LedgerEvent> Bought()
    {
        yield return new ApiKeyCreated(Hash("key"), "team", Units(1_000_000), null, 1);
        yield return new ChannelOpened(Channel, AddressOf(9), Config, Units(10_000), 2);
        yield return new AcceptanceAdopted(Accepted(), 3);
        for (var i = 1; i <= Requests; i++)
        {
            yield return new BudgetReserved(Request(1000 + i), Hash("key"), Units(500), 4);
            yield return Issued(i, (ulong)i, (ulong)(i * 100) + 400);
            yield return Sent(i, (ulong)i);
            yield return new ReceiptReceived(Receipt(i, (ulong)i, 100, (ulong)i * 100), 5);
            yield return new BudgetCharged(Request(1000 + i), Hash("key"), Units(90), 6);
        }
    }

    private static IEnumerable<LedgerEvent> Sold()
    {
        yield return Seen(10_000);
        yield return new AcceptanceSigned(Accepted(), 3);
        for (var i = 1; i <= Requests; i++)
        {
            // Each voucher covers its own request and no more.
            yield return Taken(i, (ulong)i * 100);
            yield return Admitted(i, (ulong)i);
            yield return new PrefillBegun(Request(i), 100, 20, Hash("prompt"), 5);
            yield return new ReceiptSigned(Receipt(i, (ulong)i, 100, (ulong)i * 100), 6);
        }
    }

    private async Task WriteAsync(IReadOnlyList<LedgerEvent> events)
    {
        await using var ledger = SqliteLedger.Open(LedgerPath);
        foreach (var happened in events)
        {
            await ledger.AppendAsync([RowCodec.ToEntry(happened)]);
        }
    }

    // One bit in the middle of the row's body.
    private async Task DamageAsync(byte[] whole, LedgerEvent happened)
    {
        var body = RowCodec.ToEntry(happened).Body;
        var damaged = whole.ToArray();
        var at = damaged.AsSpan().IndexOf(body.Span);
        Assert.True(at > 0);
        damaged[at + (body.Length / 2)] ^= 1;
        File.Delete(LedgerPath + ".mark");
        foreach (var old in Directory.GetFiles(_folder, "*.damaged-*"))
        {
            File.Delete(old);
        }

        await File.WriteAllBytesAsync(LedgerPath, damaged);
    }
}
