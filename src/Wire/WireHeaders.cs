using System.Collections;

namespace Souk.Wire;

/// <summary>
/// The headers of a request or reply, in order, with names compared without case. A handful of entries is usual, so
/// a list with a linear search is both smaller and faster than a dictionary.
/// </summary>
public sealed class WireHeaders : IEnumerable<KeyValuePair<string, string>>
{
    private readonly List<KeyValuePair<string, string>> _entries;

    /// <summary>Makes an empty set.</summary>
    public WireHeaders() => _entries = [];

    /// <summary>Makes an empty set with room for <paramref name="capacity"/> entries.</summary>
    public WireHeaders(int capacity) => _entries = new(capacity);

    /// <summary>The number of entries, repeated names counted each time.</summary>
    public int Count => _entries.Count;

    /// <summary>The first value of a name, or null. Setting replaces all entries of that name.</summary>
    public string? this[string name]
    {
        get
        {
            foreach (var entry in _entries)
            {
                if (string.Equals(entry.Key, name, StringComparison.OrdinalIgnoreCase))
                {
                    return entry.Value;
                }
            }

            return null;
        }

        set
        {
            _entries.RemoveAll(e => string.Equals(e.Key, name, StringComparison.OrdinalIgnoreCase));
            if (value is not null)
            {
                Add(name, value);
            }
        }
    }

    /// <summary>Adds an entry and keeps earlier ones of the same name.</summary>
    /// <exception cref="ArgumentException">The name or value holds a character that could split the header.</exception>
    public void Add(string name, string value)
    {
        if (name.Length == 0 || name.AsSpan().ContainsAny("\r\n\0: "))
        {
            throw new ArgumentException("A header name is empty or holds a separator.", nameof(name));
        }

        if (value.AsSpan().ContainsAny('\r', '\n', '\0'))
        {
            throw new ArgumentException($"The value of header {name} holds a line break.", nameof(value));
        }

        _entries.Add(new(name, value));
    }

    /// <summary>Whether a name occurs exactly once; a repeated protocol header is ambiguous and so refused.</summary>
    public bool IsUnique(string name)
    {
        var count = 0;
        foreach (var entry in _entries)
        {
            count += string.Equals(entry.Key, name, StringComparison.OrdinalIgnoreCase) ? 1 : 0;
        }

        return count == 1;
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
