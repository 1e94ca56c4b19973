using System.Security.Cryptography;
using System.Text;
using Souk.Ledger;

namespace Souk.Conformance.Stores;

/// <summary>
/// What every <see cref="ILedger"/> owes its callers. A class for each implementation derives from it.
/// </summary>
public abstract class LedgerConformance
{
    private static readonly CancellationToken None = CancellationToken.None;

    /// <summary>Opens the store of this test: an empty one first, the same one afterwards.</summary>
    protected abstract ILedger Open();

    /// <summary>Ends the process that has the ledger open, at once and without its leave.</summary>
    protected abstract void Crash(ILedger ledger);

    /// <summary>Changes the body of a row behind the back of a closed ledger.</summary>
    protected abstract void Tamper(long sequence);

    /// <summary>From the next opening on leaves the disk little room, or all that it needs.</summary>
    protected abstract void SetDiskFull(bool isFull);

    [Fact]
    public async Task An_empty_ledger_has_no_rows_and_the_genesis_hash()
    {
        await using var ledger = Open();
        Assert.Equal(0, ledger.Sequence);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData("souk-ledger-1"u8)), ledger.Head.ToString()[2..]);
        Assert.Empty(await AllAsync(ledger));
        Assert.Empty(await ledger.FindAsync("nothing", None));
    }

    [Fact]
    public async Task Rows_are_read_back_as_they_were_appended()
    {
        await using var ledger = Open();
        byte[] binary = [0, 255, 1, 254];
        Assert.Equal(2, await ledger.AppendAsync([Entry("a", "k1", "one"), Entry("b", "k2", "two")]));
        Assert.Equal(
            4, await ledger.AppendAsync([new("c", "k'\"é日", binary), new("d", "k1", Array.Empty<byte>())]));
        var rows = await AllAsync(ledger);
        Assert.Equal(["a", "b", "c", "d"], rows.Select(row => row.Kind));
        Assert.Equal(["k1", "k2", "k'\"é日", "k1"], rows.Select(row => row.Key));
        Assert.Equal([1, 2, 3, 4], rows.Select(row => row.Sequence));
        Assert.Equal("one", Text(rows[0]));
        Assert.Equal(binary, rows[2].Body.ToArray());
        Assert.Equal(0, rows[3].Body.Length);
        Assert.Equal(4, ledger.Sequence);
        Assert.Equal(rows[3].Hash, ledger.Head);
    }

    [Fact]
    public async Task Notes_are_durable_with_their_rows_and_no_part_of_the_chain()
    {
        var ledger = Open();
        await ledger.AppendAsync([Entry("a", "k", "1")]);
        await ledger.AppendAsync([Entry("b", "n", "2")], new LedgerNote("first"u8.ToArray(), 1_000));
        await ledger.AppendAsync(
            [Entry("c", "k", "3"), Entry("c", "n", "4")], new LedgerNote("second"u8.ToArray(), 1_000));
        await ledger.AppendAsync([Entry("d", "m", "5")], new LedgerNote("other"u8.ToArray(), 2_000));
        var head = ledger.Head;
        Crash(ledger);

        await using var again = Open();
        Assert.Equal((5L, head), (again.Sequence, again.Head));
        Assert.Equal("second"u8.ToArray(), (await again.FindNoteAsync("n", None))!.Value.ToArray());
        Assert.Equal("other"u8.ToArray(), (await again.FindNoteAsync("m", None))!.Value.ToArray());
        Assert.Null(await again.FindNoteAsync("k", None));
    }

    [Fact]
    public async Task Notes_are_erased_when_their_time_is_over_and_rows_stay()
    {
        var ledger = Open();
        await ledger.AppendAsync([Entry("a", "n", "1")], new LedgerNote("first"u8.ToArray(), 1_000));
        await ledger.AppendAsync([Entry("b", "m", "2")], new LedgerNote("second"u8.ToArray(), 1_001));
        await ledger.ForgetNotesAsync(1_000);
        Assert.NotNull(await ledger.FindNoteAsync("n", None));

        await ledger.ForgetNotesAsync(1_001);
        Crash(ledger);

        await using var again = Open();
        Assert.Null(await again.FindNoteAsync("n", None));
        Assert.NotNull(await again.FindNoteAsync("m", None));
        Assert.Equal(2, (await AllAsync(again)).Count);
    }

    [Fact]
    public async Task Every_hash_covers_the_row_and_the_one_before()
    {
        await using var ledger = Open();
        await ledger.AppendAsync([Entry("kind", "é", "one"), Entry("k", "ind", "two")]);
        await ledger.AppendAsync([Entry("kind", "key", "three")]);
        var previous = SHA256.HashData("souk-ledger-1"u8);
        foreach (var row in await AllAsync(ledger))
        {
            // Built a second way, from the words of the format alone.
            using var bytes = new MemoryStream();
            bytes.Write(previous);
            bytes.Write([.. BitConverter.GetBytes(row.Sequence).Reverse()]);
            byte[][] parts = [Encoding.UTF8.GetBytes(row.Kind), Encoding.UTF8.GetBytes(row.Key), row.Body.ToArray()];
            foreach (var part in parts)
            {
                bytes.Write([.. BitConverter.GetBytes(part.Length).Reverse()]);
                bytes.Write(part);
            }

            previous = SHA256.HashData(bytes.ToArray());
            Assert.Equal(Convert.ToHexStringLower(previous), row.Hash.ToString()[2..]);
        }
    }

    [Fact]
    public async Task Reading_starts_after_a_sequence_and_stops_at_the_end()
    {
        await using var ledger = Open();
        for (var i = 0; i < 600; i++)
        {
            _ = ledger.AppendAsync([Entry("k", "k", $"{i}")]);
        }

        await ledger.AppendAsync([Entry("k", "k", "600")]);
        Assert.Equal(601, (await AllAsync(ledger)).Count);
        Assert.Equal([600, 601], (await AllAsync(ledger, 599)).Select(row => row.Sequence));
        Assert.Empty(await AllAsync(ledger, 601));
        Assert.Empty(await AllAsync(ledger, 7000));
    }

    [Fact]
    public async Task Concurrent_appends_each_stay_whole_and_keep_the_order_of_the_calls()
    {
        await using var ledger = Open();
        var appends = Enumerable.Range(0, 300)
            .Select(i => ledger.AppendAsync([Entry("first", $"k{i}", $"{i}"), Entry("second", $"k{i}", $"{i}")]))
            .ToList();
        var sequences = await Task.WhenAll(appends);
        Assert.Equal(Enumerable.Range(1, 300).Select(i => 2L * i), sequences);
        var rows = await AllAsync(ledger);
        Assert.Equal(600, rows.Count);
        for (var i = 0; i < 300; i++)
        {
            Assert.Equal(("first", $"{i}"), (rows[2 * i].Kind, Text(rows[2 * i])));
            Assert.Equal(("second", $"{i}"), (rows[(2 * i) + 1].Kind, Text(rows[(2 * i) + 1])));
        }
    }

    [Fact]
    public async Task Rows_are_found_by_their_exact_key_in_order()
    {
        await using var ledger = Open();
        await ledger.AppendAsync(
            [Entry("a", "key", "1"), Entry("b", "key2", "2"), Entry("c", "KEY", "3"), Entry("d", "key", "4")]);
        await ledger.AppendAsync([Entry("e", "ke%", "5"), Entry("f", "key", "6")]);
        Assert.Equal([1, 4, 6], (await ledger.FindAsync("key", None)).Select(row => row.Sequence));
        Assert.Equal([5], (await ledger.FindAsync("ke%", None)).Select(row => row.Sequence));
        Assert.Empty(await ledger.FindAsync("ke", None));
    }

    [Fact]
    public async Task A_ledger_opened_again_goes_on_where_it_ended()
    {
        Souk.Protocol.Bytes32 head;
        await using (var ledger = Open())
        {
            await ledger.AppendAsync([Entry("a", "k", "1")]);
            _ = ledger.AppendAsync([Entry("b", "k", "2")]);
            head = (await AllAsync(ledger))[0].Hash;
        }

        await using var again = Open();
        Assert.Equal(2, again.Sequence);
        Assert.Equal(3, await again.AppendAsync([Entry("c", "k", "3")]));
        var rows = await AllAsync(again);
        Assert.Equal(["1", "2", "3"], rows.Select(Text));
        Assert.Equal(head, rows[0].Hash);
    }

    [Fact]
    public async Task What_was_acknowledged_survives_a_crash()
    {
        var ledger = Open();
        var acknowledged = await Task.WhenAll(
            Enumerable.Range(0, 40).Select(i => ledger.AppendAsync([Entry("k", $"k{i}", $"{i}")])));
        var lost = ledger.AppendAsync([Entry("k", "late", "late")]);
        Crash(ledger);
        await using var again = Open();
        var rows = await AllAsync(again);
        Assert.True(rows.Count >= acknowledged.Length);
        foreach (var (sequence, i) in acknowledged.Select((sequence, i) => (sequence, i)))
        {
            Assert.Equal($"{i}", Text(rows[(int)sequence - 1]));
        }

        Assert.Equal(rows.Count + 1, await again.AppendAsync([Entry("k", "next", "next")]));
        GC.KeepAlive(lost);
    }

    [Fact]
    public async Task A_second_opening_is_refused_until_the_first_is_closed()
    {
        await using (Open())
        {
            var refused = Assert.Throws<LedgerInUseException>(Open);
            Assert.Contains("another process", refused.Message, StringComparison.Ordinal);
        }

        await using var again = Open();
        Assert.Equal(1, await again.AppendAsync([Entry("a", "k", "1")]));
    }

    [Fact]
    public async Task A_changed_row_is_detected_and_named()
    {
        await using (var ledger = Open())
        {
            for (var i = 0; i < 9; i++)
            {
                await ledger.AppendAsync([Entry("k", "k", $"the body of row {i}")]);
            }
        }

        Tamper(5);
        var corrupt = Assert.Throws<LedgerCorruptException>(Open);
        Assert.Equal(5, corrupt.Sequence);
        Assert.Contains("row 5", corrupt.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task On_a_full_disk_appends_wait_and_nothing_that_was_not_acknowledged_is_there_afterwards()
    {
        var acknowledged = 0L;
        SetDiskFull(true);
        var ledger = Open();
        Task<long> waiting;
        do
        {
            waiting = ledger.AppendAsync([Entry("k", "k", new string('x', 10_000))]);
            while (!waiting.IsCompleted && ledger.Obstacle is null)
            {
                await Task.Delay(1);
            }

            acknowledged = waiting.IsCompleted ? await waiting : acknowledged;
            Assert.True(acknowledged < 200);
        }
        while (waiting.IsCompleted);

        Assert.IsType<LedgerFullException>(ledger.Obstacle);
        var behind = ledger.AppendAsync([Entry("k", "k", "small")]);
        Assert.Equal(acknowledged, ledger.Sequence);
        Assert.Equal(acknowledged, (await AllAsync(ledger)).Count);
        await ledger.DisposeAsync();
        await Assert.ThrowsAsync<LedgerFullException>(() => waiting);
        await Assert.ThrowsAnyAsync<LedgerException>(() => behind);

        SetDiskFull(false);
        await using var again = Open();
        Assert.Equal(acknowledged, again.Sequence);
        Assert.Equal(acknowledged + 1, await again.AppendAsync([Entry("k", "k", new string('x', 10_000))]));
    }

    [Fact]
    public async Task What_is_beyond_the_bounds_is_refused_and_not_written()
    {
        await using var ledger = Open();
        var many = Enumerable.Repeat(Entry("k", "k", ""), LedgerLimits.MaxEntriesPerAppend + 1).ToList();
        await RefusesAsync(ledger, []);
        await RefusesAsync(ledger, many);
        await RefusesAsync(ledger, [Entry("", "k", "")]);
        await RefusesAsync(ledger, [Entry("k", "", "")]);
        await RefusesAsync(ledger, [Entry("k", "a\0b", "")]);
        await RefusesAsync(ledger, [Entry("k", "a\ud800", "")]);
        await RefusesAsync(ledger, [Entry("k", new string('é', 129), "")]);
        await RefusesAsync(ledger, [Entry(new string('k', 65), "k", "")]);
        await RefusesAsync(ledger, [Entry("k", "k", ""), new("k", "k", new byte[LedgerLimits.MaxBodyBytes + 1])]);
        Assert.Equal(0, ledger.Sequence);
        var largest = new LedgerEntry(new string('k', 64), new string('é', 128), new byte[1 << 20]);
        Assert.Equal(1, await ledger.AppendAsync([largest]));
        Assert.Equal(1 << 20, (await AllAsync(ledger))[0].Body.Length);
    }

    [Fact]
    public async Task The_callers_list_may_change_after_the_call()
    {
        await using var ledger = Open();
        var entries = new List<LedgerEntry> { Entry("k", "k", "kept") };
        var append = ledger.AppendAsync(entries);
        entries[0] = Entry("k", "k", "changed");
        await append;
        Assert.Equal("kept", Text((await AllAsync(ledger))[0]));
    }

    [Fact]
    public async Task A_closed_ledger_takes_no_append()
    {
        var ledger = Open();
        await ledger.DisposeAsync();
        await ledger.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => ledger.AppendAsync([Entry("k", "k", "")]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Any_sequence_of_appends_closings_and_crashes_leaves_what_a_list_would_hold(int seed)
    {
        var random = new Random(seed);
        var model = new List<(string Key, string Text)>();
        var ledger = Open();
        for (var step = 0; step < 60; step++)
        {
            if (random.Next(8) == 0)
            {
                if (random.Next(2) == 0)
                {
                    Crash(ledger);
                }
                else
                {
                    await ledger.DisposeAsync();
                }

                ledger = Open();
            }

            var entries = Enumerable.Range(0, random.Next(1, 4))
                .Select(i => ($"key{random.Next(5)}", $"{step}.{i}")).ToList();
            await ledger.AppendAsync([.. entries.Select(entry => Entry("k", entry.Item1, entry.Item2))]);
            model.AddRange(entries);
            Assert.Equal(model.Count, ledger.Sequence);
        }

        Assert.Equal(model, (await AllAsync(ledger)).Select(row => (row.Key, Text(row))));
        var key = $"key{random.Next(5)}";
        Assert.Equal(
            model.Where(row => row.Key == key).Select(row => row.Text),
            (await ledger.FindAsync(key, None)).Select(Text));
        await ledger.DisposeAsync();
    }

    private static async Task RefusesAsync(ILedger ledger, IReadOnlyList<LedgerEntry> entries) =>
        await Assert.ThrowsAnyAsync<ArgumentException>(() => ledger.AppendAsync(entries));

    private static LedgerEntry Entry(string kind, string key, string body) =>
        new(kind, key, Encoding.UTF8.GetBytes(body));

    private static string Text(LedgerRow row) => Encoding.UTF8.GetString(row.Body.Span);

    private static async Task<List<LedgerRow>> AllAsync(ILedger ledger, long after = 0)
    {
        var rows = new List<LedgerRow>();
        await foreach (var row in ledger.ReadAsync(after, None))
        {
            rows.Add(row);
        }

        return rows;
    }
}
