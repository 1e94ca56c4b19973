using Souk.Protocol;

namespace Souk.Ledger.Repair;

/// <summary>
/// Tells sound rows from damaged ones. A row is sound where its content and the hash of the row before give its hash.
/// One flipped bit damages one row: a flipped body leaves the hash by which the next row is checked, and a flipped hash
/// is found again from the content, since the next row agrees with it.
/// </summary>
internal sealed class SoundRows
{
    private Bytes32[] _before = [LedgerChain.Genesis];

    /// <summary>Judges the next row.</summary>
    /// <param name="row">As it was read; null where it is gone.</param>
    /// <param name="next">The one after it, if it can be read.</param>
    public bool Take(LedgerRow? row, LedgerRow? next)
    {
        if (row is null)
        {
            _before = [];
            return false;
        }

        var computed = Array.ConvertAll(_before, before => HashAfter(before, row));
        if (computed.Contains(row.Hash))
        {
            _before = [row.Hash];
            return true;
        }

        var agreed = Array.FindIndex(computed, hash => next is not null && HashAfter(hash, next) == next.Hash);
        if (agreed >= 0)
        {
            _before = [computed[agreed]];
            return true;
        }

        _before = [row.Hash];
        return false;
    }

    private static Bytes32 HashAfter(Bytes32 before, LedgerRow row) =>
        LedgerChain.Hash(before, row.Sequence, row.Kind, row.Key, row.Body.Span);
}
