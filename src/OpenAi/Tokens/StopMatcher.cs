using System.Text;

namespace Souk.OpenAi.Tokens;

/// <summary>What a <see cref="StopMatcher"/> lets through.</summary>
/// <param name="Text">Text that no stop string can reach any more.</param>
/// <param name="IsStopped">A stop string was met; the text ends right before it.</param>
/// <param name="Matched">The stop string that was met, or null.</param>
public readonly record struct StopResult(string Text, bool IsStopped, string? Matched);

/// <summary>
/// Finds stop strings in text that arrives in pieces, whatever the token borders. Text that may be the beginning of a
/// stop string is withheld until that is decided. The match that is complete first wins, of two that end together the
/// longer, so the result does not depend on how the text was cut into pieces. After a stop nothing comes out any more.
/// Comparison is by UTF-16 unit.
/// </summary>
public sealed class StopMatcher
{
    private readonly string[] _stops;
    private readonly int _longest;
    private readonly StringBuilder _held = new();

    public StopMatcher(IReadOnlyList<string> stops)
    {
        ArgumentNullException.ThrowIfNull(stops);
        _stops = [.. stops.Where(stop => stop.Length > 0).OrderByDescending(stop => stop.Length)];
        _longest = _stops.Length == 0 ? 0 : _stops[0].Length;
    }

    public bool IsStopped { get; private set; }

    /// <summary>Text that is held back now; after a stop, the stop string and what followed it in its piece.</summary>
    public string Withheld => _held.ToString();

    public StopResult Push(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (IsStopped)
        {
            _held.Append(text);
            return new StopResult("", true, null);
        }

        if (_longest == 0)
        {
            return new StopResult(text, false, null);
        }

        _held.Append(text);
        var all = _held.ToString();
        if (Find(all) is (var at, { } matched))
        {
            IsStopped = true;
            _held.Remove(0, at);
            return new StopResult(all[..at], true, matched);
        }

        var keep = all.Length - UndecidedLength(all);
        _held.Remove(0, keep);
        return new StopResult(all[..keep], false, null);
    }

    /// <summary>The end of the answer: withheld text that turned out to be no stop string.</summary>
    public string Flush()
    {
        if (IsStopped)
        {
            return "";
        }

        var rest = _held.ToString();
        _held.Clear();
        return rest;
    }

    private (int At, string? Matched) Find(string text)
    {
        (int At, int End, string? Matched) best = (0, int.MaxValue, null);
        foreach (var stop in _stops)
        {
            // Stops are ordered by falling length, so the first of two that end together is the longer.
            var at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && at + stop.Length < best.End)
            {
                best = (at, at + stop.Length, stop);
            }
        }

        return (best.At, best.Matched);
    }

    /// <summary>Length of the longest tail that is a proper beginning of some stop string.</summary>
    private int UndecidedLength(string text)
    {
        for (var length = Math.Min(_longest - 1, text.Length); length > 0; length--)
        {
            var tail = text.AsSpan(text.Length - length);
            foreach (var stop in _stops)
            {
                if (stop.Length > length && stop.AsSpan().StartsWith(tail, StringComparison.Ordinal))
                {
                    return length;
                }
            }
        }

        return 0;
    }
}
