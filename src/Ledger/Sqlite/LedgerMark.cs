using System.Globalization;
using System.Text;
using Souk.Protocol;

namespace Souk.Ledger.Sqlite;

/// <summary>
/// The last row that was ever durable, in a file beside the ledger. The chain of hashes shows what was changed within
/// the file; this shows that the file is an older copy of itself, or has lost its write-ahead log. Written after each
/// commit and never synced: it survives the death of the process, and after a loss of power it is at most too old,
/// which accuses nobody.
/// </summary>
internal sealed class LedgerMark : IDisposable
{
    private const string Form = "souk-ledger-mark";
    private readonly FileStream _file;
    private readonly byte[] _line = new byte[Form.Length + 1 + 20 + 1 + 66 + 1];

    public LedgerMark(FileStream file) => _file = file;

    /// <summary>What was written last; null where nothing was, or it cannot be read.</summary>
    public LedgerTip? Read()
    {
        _file.Position = 0;
        var read = _file.ReadAtLeast(_line, _line.Length, throwOnEndOfStream: false);
        return Encoding.ASCII.GetString(_line, 0, read).Trim().Split(' ') is [Form, var sequence, var hash]
            && long.TryParse(sequence, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && Bytes32.TryParse(hash, out var parsed)
                ? new LedgerTip(number, parsed)
                : null;
    }

    /// <summary>Writes a tip down, in one write of one sector.</summary>
    public void Write(LedgerTip tip)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{Form} {tip.Sequence:d20} {tip.Hash}\n");
        _file.Position = 0;
        _file.Write(_line.AsSpan(0, Encoding.ASCII.GetBytes(text, _line)));
    }

    public void Dispose() => _file.Dispose();
}
