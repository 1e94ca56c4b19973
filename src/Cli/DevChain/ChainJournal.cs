using System.Globalization;
using System.Text;

namespace Souk.Cli.DevChain;

/// <summary>A mined block, as far as it is needed to mine it again.</summary>
internal sealed record JournalBlock(ulong Timestamp, ulong BaseFee, IReadOnlyList<string> Transactions);

/// <summary>
/// What the development chain was given, in order: every raw transaction before it is forwarded, and every block that
/// mined some. anvil keeps its state in memory and writes it now and then, so without this a killed machine would roll
/// the chain back below what nodes have already seen.
/// </summary>
internal sealed class ChainJournal : IDisposable
{
    private readonly FileStream _file;
    private readonly Lock _guard = new();
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    private ChainJournal(FileStream file) => _file = file;

    /// <summary>Unix seconds of the first block.</summary>
    public ulong Genesis { get; private set; }

    /// <summary>Blocks that mined transactions, in order.</summary>
    public List<JournalBlock> Blocks { get; } = [];

    /// <summary>Raw transactions by hash, in the order in which they came.</summary>
    public List<(string Hash, string Raw)> Transactions { get; } = [];

    /// <summary>Opens a journal; a torn last line, which nobody was told of, is cut off.</summary>
    public static ChainJournal Open(string path, ulong now)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None,
        };
        var journal = new ChainJournal(new FileStream(path, options));
        journal.Load(now);
        return journal;
    }

    /// <summary>Writes a transaction down; durable when the call returns.</summary>
    public void Add(string hash, string raw)
    {
        lock (_guard)
        {
            if (_known.Add(hash))
            {
                Append($"tx {hash} {raw}");
            }
        }
    }

    /// <summary>Writes a block down.</summary>
    public void Add(JournalBlock block)
    {
        lock (_guard)
        {
            Append(Line(block));
        }
    }

    public void Dispose() => _file.Dispose();

    private static string Line(JournalBlock block) => string.Create(
        CultureInfo.InvariantCulture,
        $"block {block.Timestamp} {block.BaseFee} {string.Join(',', block.Transactions)}");

    private void Load(ulong now)
    {
        using var reader = new StreamReader(_file, Encoding.ASCII, false, 1 << 16, leaveOpen: true);
        var text = reader.ReadToEnd();
        var whole = text.LastIndexOf('\n') + 1;
        foreach (var line in text[..whole].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            Take(line.Split(' '));
        }

        _file.SetLength(whole);
        _file.Seek(0, SeekOrigin.End);
        if (Genesis == 0)
        {
            Genesis = now;
            Append(string.Create(CultureInfo.InvariantCulture, $"genesis {now}"));
        }
    }

    private void Take(string[] words)
    {
        switch (words)
        {
            case ["genesis", var time]:
                Genesis = ulong.Parse(time, CultureInfo.InvariantCulture);
                break;
            case ["tx", var hash, var raw]:
                _known.Add(hash);
                Transactions.Add((hash, raw));
                break;
            case ["block", var time, var fee, var hashes]:
                Blocks.Add(new JournalBlock(
                    ulong.Parse(time, CultureInfo.InvariantCulture), ulong.Parse(fee, CultureInfo.InvariantCulture),
                    hashes.Split(',', StringSplitOptions.RemoveEmptyEntries)));
                break;
        }
    }

    private void Append(string line)
    {
        _file.Write(Encoding.ASCII.GetBytes(line + "\n"));
        _file.Flush(flushToDisk: true);
    }
}
