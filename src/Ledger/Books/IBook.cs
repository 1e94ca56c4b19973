using Souk.Ledger.Rows;

namespace Souk.Ledger.Books;

/// <summary>
/// What the rows of a ledger add up to. A book is immutable and does no I/O: applying an event gives another book,
/// so a reader's snapshot never changes under it.
/// </summary>
public interface IBook<TSelf>
    where TSelf : class, IBook<TSelf>
{
    /// <summary>The book of an empty ledger.</summary>
    static abstract TSelf Empty { get; }

    /// <summary>The book after one more event.</summary>
    /// <exception cref="InvalidOperationException">
    /// The event cannot follow what is in the book: a broken invariant, which must never reach the ledger.
    /// </exception>
    TSelf Apply(LedgerEvent happened);

    /// <summary>The book without what nobody can ask for any more at this time (Unix milliseconds).</summary>
    TSelf Forget(ulong nowMs);
}
