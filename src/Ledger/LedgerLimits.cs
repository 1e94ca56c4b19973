using System.Text;

namespace Souk.Ledger;

/// <summary>Bounds that every implementation enforces before anything is written.</summary>
public static class LedgerLimits
{
    /// <summary>The longest kind, in UTF-8 bytes.</summary>
    public const int MaxKindBytes = 64;

    /// <summary>The longest key, in UTF-8 bytes.</summary>
    public const int MaxKeyBytes = 256;

    /// <summary>The largest body, in bytes.</summary>
    public const int MaxBodyBytes = 1 << 20;

    /// <summary>The largest body of a note, in bytes.</summary>
    public const int MaxNoteBytes = 16 << 20;

    /// <summary>The most entries that one append may carry.</summary>
    public const int MaxEntriesPerAppend = 1024;

    // Lone surrogates would be replaced on the way to UTF-8, and the row read back would not be the row hashed.
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Throws <see cref="ArgumentException"/> unless the entries are within the bounds.</summary>
    public static void Check(IReadOnlyList<LedgerEntry> entries, LedgerNote? note)
    {
        ArgumentNullException.ThrowIfNull(entries);
        if (entries.Count is 0 or > MaxEntriesPerAppend)
        {
            throw new ArgumentException(
                $"An append carries 1 to {MaxEntriesPerAppend} entries, not {entries.Count}.", nameof(entries));
        }

        if (note is not null)
        {
            Check(note);
        }

        foreach (var entry in entries)
        {
            CheckText(entry.Kind, MaxKindBytes, "kind");
            CheckText(entry.Key, MaxKeyBytes, "key");
            if (entry.Body.Length > MaxBodyBytes)
            {
                throw new ArgumentException(
                    $"A body of {entry.Body.Length} bytes is over the {MaxBodyBytes} that a ledger row may hold.",
                    nameof(entries));
            }
        }
    }

    private static void Check(LedgerNote note)
    {
        if (note.Body.Length > MaxNoteBytes || note.UntilMs > long.MaxValue)
        {
            throw new ArgumentException(
                $"A note of {note.Body.Length} bytes is over the {MaxNoteBytes} that it may hold, or kept too long.",
                nameof(note));
        }
    }

    private static void CheckText(string text, int most, string what)
    {
        if (string.IsNullOrEmpty(text) || text.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException($"A ledger row's {what} is a text without NUL, and not empty.");
        }

        // EncoderFallbackException is an ArgumentException, so a lone surrogate is refused here as well.
        if (text.Length > most || Strict.GetByteCount(text) > most)
        {
            throw new ArgumentException($"A ledger row's {what} has at most {most} bytes.");
        }
    }
}
