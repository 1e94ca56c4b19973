namespace Souk.Ledger.Books;

/// <summary>Throws for a broken invariant: an event that cannot follow what a book holds.</summary>
internal static class Broken
{
    public static void Unless(bool isFitting, string message)
    {
        if (!isFitting)
        {
            throw new InvalidOperationException(message);
        }
    }
}
