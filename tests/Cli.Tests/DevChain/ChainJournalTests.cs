using System.Text;
using Souk.Cli.DevChain;

namespace Souk.Cli.Tests.DevChain;

public sealed class ChainJournalTests
{
    [Fact]
    public void What_was_added_comes_back_in_order()
    {
        using var folder = new TestFolder();
        using (var journal = ChainJournal.Open(folder.In("journal"), 1000))
        {
            journal.Add("0xb", "0x02");
            journal.Add("0xa", "0x01");
            journal.Add("0xb", "0x02");
            journal.Add(new JournalBlock(1005, 7, ["0xb", "0xa"]));
            journal.Add("0xc", "0x03");
        }

        using var again = ChainJournal.Open(folder.In("journal"), 9999);
        Assert.Equal(1000UL, again.Genesis);
        Assert.Equal([("0xb", "0x02"), ("0xa", "0x01"), ("0xc", "0x03")], again.Transactions);
        var block = Assert.Single(again.Blocks);
        Assert.Equal((1005UL, 7UL), (block.Timestamp, block.BaseFee));
        Assert.Equal(["0xb", "0xa"], block.Transactions);
    }

    [Fact]
    public void A_torn_last_line_is_cut_off_wherever_it_was_torn()
    {
        using var folder = new TestFolder();
        var path = folder.In("journal");
        using (var journal = ChainJournal.Open(path, 1000))
        {
            journal.Add("0xaa", "0x01");
            journal.Add(new JournalBlock(1005, 7, ["0xaa"]));
            journal.Add("0xbb", "0x02");
        }

        var whole = File.ReadAllBytes(path);
        var last = Encoding.ASCII.GetString(whole)[..^1].LastIndexOf('\n') + 1;
        for (var length = last; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            using (var torn = ChainJournal.Open(path, 5))
            {
                Assert.Equal([("0xaa", "0x01")], torn.Transactions);
                Assert.Single(torn.Blocks);
                torn.Add("0xcc", "0x03");
            }

            using var next = ChainJournal.Open(path, 5);
            Assert.Equal([("0xaa", "0x01"), ("0xcc", "0x03")], next.Transactions);
        }
    }

    [Fact]
    public void A_journal_is_one_processes_at_a_time()
    {
        using var folder = new TestFolder();
        using var journal = ChainJournal.Open(folder.In("journal"), 1000);

        Assert.Throws<IOException>(() => ChainJournal.Open(folder.In("journal"), 1000));
    }
}
