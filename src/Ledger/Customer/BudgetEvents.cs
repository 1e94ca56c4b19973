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
            row.KeyHash, row.Name, row.Budget, Amount.Zero, Amount.Zero, row.ExpiresAtMs, IsRevoked: false)
        {
            Limits = row.Limits ?? KeyLimits.None,
            CreatedAtMs = row.AtMs,
        });
    }

    public static CustomerBook Apply(CustomerBook book, ApiKeyChanged row)
    {
        var account = Account(book, row.KeyHash);
        Broken.Unless(!account.IsRevoked, "A revoked API key stays as it is.");
        return book.With(account with
        {
            Name = row.Name,
            Budget = row.Budget,
            ExpiresAtMs = row.ExpiresAtMs,
            Limits = row.Limits,
        });
    }

    public static CustomerBook Apply(CustomerBook book, ApiKeyRevoked row) =>
        book.With(Account(book, row.KeyHash) with { IsRevoked = true });

    public static CustomerBook Apply(CustomerBook book, BudgetReserved row)
    {
        var account = Account(book, row.KeyHash);
        Broken.Unless(!account.IsRevoked, "A revoked API key reserves nothing.");
        Broken.Unless(
            row.Reserved <= account.AvailableOn(UtcDay.Of(row.AtMs)),
            "The reservation is more than the budget has left.");
        Broken.Unless(!book.Reservations.ContainsKey(row.AppRequest), "The request has a reservation already.");
        return book
            .With(account.Reserve(row.Reserved, row.AtMs))
            .With(book.Reservations.Add(
                row.AppRequest, new Reservation(row.AppRequest, row.KeyHash, row.Reserved, row.AtMs)));
    }

    public static CustomerBook Apply(CustomerBook book, BudgetCharged row)
    {
        var reserved = ReservationOf(book, row.AppRequest, row.KeyHash);
        Broken.Unless(row.Charged <= reserved.Amount, "An app is never billed more than was reserved.");
        var day = UtcDay.Of(row.AtMs);
        var ended = End(book, reserved, row.Charged, day).With(
            new UseKey(day, row.KeyHash, reserved.Model ?? ""), KeyUse.Nothing with { Billed = row.Charged });
        return reserved.Name is { } name ? ended.With(ended.Names.Charged(name, row.AppRequest)) : ended;
    }

    public static CustomerBook Apply(CustomerBook book, BudgetReleased row)
    {
        var reserved = ReservationOf(book, row.AppRequest, row.KeyHash);
        var ended = End(book, reserved, Amount.Zero, UtcDay.Of(row.AtMs));
        // What cost nothing may be done again under its name.
        return reserved.Name is { } name ? ended.With(ended.Names.Released(name, row.AppRequest)) : ended;
    }

    public static CustomerBook Apply(CustomerBook book, RequestNamed row)
    {
        var reserved = ReservationOf(book, row.AppRequest, row.KeyHash);
        return book
            .With(book.Reservations.SetItem(row.AppRequest, reserved with { Name = row.Name }))
            .With(book.Names.With(row));
    }

    /// <summary>What a receipt adds to the use of the key that it is billed to. That is known while the reservation
    /// stands; what comes later is the gateway's own cost.</summary>
    public static CustomerBook Use(CustomerBook book, RequestSent sent, Receipt receipt, ulong atMs) =>
        Use(book, sent.AppRequest, sent.Model ?? receipt.ModelDigest.ToString(), KeyUse.Of(receipt), atMs);

    /// <summary>The same for what a plain x402 server says.</summary>
    public static CustomerBook Use(CustomerBook book, PurchaseSent sent, PurchaseCharged row) => Use(
        book, sent.AppRequest, sent.Model,
        new KeyUse(1, row.InputTokens, 0, row.OutputTokens, row.Charge, Amount.Zero), row.AtMs);

    private static CustomerBook Use(CustomerBook book, RequestId appRequest, string model, KeyUse use, ulong atMs)
    {
        var reserved = book.Reservations.GetValueOrDefault(appRequest);
        var used = book.With(new UseKey(UtcDay.Of(atMs), reserved?.KeyHash ?? Bytes32.Zero, model), use);
        return reserved is null
            ? used
            : used.With(book.Reservations.SetItem(appRequest, reserved with { Model = model }));
    }

    private static CustomerBook End(CustomerBook book, Reservation reserved, Amount charged, UtcDay day) => book
        .With(Account(book, reserved.KeyHash).End(reserved.Amount, charged, day))
        .With(book.Reservations.Remove(reserved.AppRequest));

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
