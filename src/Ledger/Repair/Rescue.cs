using Souk.Ledger.Books;
using Souk.Ledger.Rows;

namespace Souk.Ledger.Repair;

/// <summary>Takes the rows of a damaged ledger over, one after another, and tells what was lost on the way.</summary>
/// <param name="mender">Makes something of rows that do not follow.</param>
/// <param name="nowMs">Unix milliseconds of the repair.</param>
/// <param name="target">Where they go; null to look only.</param>
internal sealed class Rescue<TBook>(Mender<TBook> mender, ulong nowMs, ILedger? target)
    where TBook : class, IBook<TBook>
{
    private readonly List<(long First, long Last)> _lost = [];
    private readonly List<MoneyInDoubt> _doubts = [];
    private readonly List<LedgerEntry> _waiting = [];
    private TBook _book = TBook.Empty;
    private long _kept;
    private long _unfit;

    /// <summary>Takes the next row; null where it is lost.</summary>
    public async Task TakeAsync(long sequence, LedgerRow? row, LedgerNote? note)
    {
        if (row is null || Read(row) is not { } happened)
        {
            if (_lost is [.., var last] && last.Last == sequence - 1)
            {
                _lost[^1] = (last.First, sequence);
            }
            else
            {
                _lost.Add((sequence, sequence));
            }
        }
        else if (await TryAsync(happened, note))
        {
            _kept++;
        }
        else
        {
            _unfit++;
            if (mender.Mend(_book, happened) is { } mended)
            {
                await TryAsync(mended, note);
            }
        }
    }

    /// <summary>Says at the end what became of it.</summary>
    public async Task<LedgerFindings<TBook>> FinishAsync(LedgerException why)
    {
        foreach (var last in mender.Finish(_book, nowMs).ToList())
        {
            await TryAsync(last, null);
        }

        var rows = _lost.Sum(range => range.Last - range.First + 1);
        await TryAsync(new LedgerRepaired((ulong)_kept, (ulong)rows, (ulong)_unfit, nowMs), null);
        await FlushAsync(null);
        // Several rows may tell of one thing.
        var doubts = _doubts.GroupBy(doubt => (doubt.Of, doubt.What)).Select(group => new MoneyInDoubt(
            group.Key.Of, group.Aggregate(Protocol.Amount.Zero, (sum, doubt) => sum + doubt.Amount), group.Key.What));
        return new LedgerFindings<TBook>(why, _kept, _lost, _unfit, [.. doubts], _book);
    }

    private static LedgerEvent? Read(LedgerRow row)
    {
        try
        {
            return RowCodec.ToEvent(row);
        }
        catch (LedgerFormatException)
        {
            return null;
        }
    }

    private async Task<bool> TryAsync(LedgerEvent happened, LedgerNote? note)
    {
        TBook next;
        try
        {
            next = _book.Apply(happened);
        }
        catch (Exception unfit) when (unfit is InvalidOperationException or KeyNotFoundException or OverflowException)
        {
            return false;
        }

        _doubts.AddRange(mender.Lost(_book, next, happened));
        _book = next;
        _waiting.Add(RowCodec.ToEntry(happened));
        if (note is not null || _waiting.Count == LedgerLimits.MaxEntriesPerAppend)
        {
            await FlushAsync(note);
        }

        return true;
    }

    private async Task FlushAsync(LedgerNote? note)
    {
        if (_waiting.Count > 0 && target is not null)
        {
            await target.AppendAsync(_waiting, note);
        }

        _waiting.Clear();
    }
}
