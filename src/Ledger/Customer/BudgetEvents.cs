using Souk.Ledger.Books;
using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Ledger.Customer;

/// <summary>What events of API keys and budgets change.</summary>
internal static class BudgetEvents
{
    public static CustomerBook Apply(CustomerBook book, ApiKeyCreated row)
    {
        Broken.Unless(!book.ApiKeys.ContainsKey(row.KeyHash), "The API key exists already.");
        return book.With(new ApiKeyAccount(
            row.KeyHash, row.Name, row.Budget, Amount.Zero, Amount.Zero, row.ExpiresAtMs, IsRevoked: false));
    }

    public static CustomerBook Apply(CustomerBook book, ApiKeyRevoked row) =>
        book.With(Account(book, row.KeyHash) with { IsRevoked = true });

    public static CustomerBook Apply(CustomerBook book, BudgetReserved row)
    {
        var account = Account(book, row.KeyHash);
        Broken.Unless(!account.IsRevoked, "A revoked API key reserves nothing.");
        Broken.Unless(row.Reserved <= account.Available, "The reservation is more than the budget has left.");
        Broken.Unless(!book.Reservations.ContainsKey(row.AppRequest), "The request has a reservation already.");
        return book
            .With(account with { Reserved = account.Reserved + row.Reserved })
            .With(book.Reservations.Add(
                row.AppRequest, new Reservation(row.AppRequest, row.KeyHash, row.Reserved, row.AtMs)));
    }

    public static CustomerBook Apply(CustomerBook book, BudgetCharged row)
    {
        var reserved = ReservationOf(book, row.AppRequest, row.KeyHash);
        Broken.Unless(row.Charged <= reserved.Amount, "An app is never billed more than was reserved.");
        return End(book, reserved, row.Charged);
    }

    public static CustomerBook Apply(CustomerBook book, BudgetReleased row) =>
        End(book, ReservationOf(book, row.AppRequest, row.KeyHash), Amount.Zero);

    private static CustomerBook End(CustomerBook book, Reservation reserved, Amount charged)
    {
        var account = Account(book, reserved.KeyHash);
        return book
            .With(account with
            {
                Reserved = account.Reserved - reserved.Amount,
                Spent = account.Spent + charged,
            })
            .With(book.Reservations.Remove(reserved.AppRequest));
    }

    private static ApiKeyAccount Account(CustomerBook book, Bytes32 keyHash) =>
        book.ApiKeys.GetValueOrDefault(keyHash) ?? throw new InvalidOperationException("There is no such API key.");

    private static Reservation ReservationOf(CustomerBook book, RequestId request, Bytes32 keyHash)
    {
        var reserved = book.Reservations.GetValueOrDefault(request)
            ?? throw new InvalidOperationException($"Request {request} has no reservation.");
        Broken.Unless(reserved.KeyHash == keyHash, "The reservation belongs to another API key.");
        return reserved;
    }
}
