using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Ledger.Selling;
using Souk.Protocol;

namespace Souk.Ledger.Repair;

/// <summary>Money that a damaged ledger no longer explains.</summary>
/// <param name="Of">A channel or the hash of an API key.</param>
/// <param name="Amount">How much.</param>
/// <param name="What">Why it is in doubt, for a person.</param>
public sealed record MoneyInDoubt(Bytes32 Of, Amount Amount, string What);

/// <summary>How one side's rows are taken over where rows before them are lost.</summary>
/// <param name="Mend">What stands in for a sound row that cannot follow; null where it says nothing any more.</param>
/// <param name="Finish">What is left to do once all rows are in.</param>
/// <param name="Lost">What an event of the repair says of lost money, with the books before and after it.</param>
public sealed record Mender<TBook>(
    Func<TBook, LedgerEvent, LedgerEvent?> Mend, Func<TBook, ulong, IEnumerable<LedgerEvent>> Finish,
    Func<TBook, TBook, LedgerEvent, IEnumerable<MoneyInDoubt>> Lost);

/// <summary>The two sides.</summary>
public static class Menders
{
    /// <summary>A gateway's.</summary>
    public static Mender<CustomerBook> Customer => CustomerMending.Mender;

    /// <summary>A provider's.</summary>
    public static Mender<ProviderBook> Provider => ProviderMending.Mender;
}
