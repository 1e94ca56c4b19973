using Souk.Protocol;

namespace Souk.Provider.Requests;

/// <summary>
/// How many prompt tokens each customer has sent since this provider started. A gateway takes no receipt with more
/// cached tokens than that, and what is forgotten here only makes the count lower.
/// </summary>
internal sealed class PromptsSeen
{
    private const int MostCustomers = 65_536;
    private readonly Lock _guard = new();
    private readonly Dictionary<Address, ulong> _sent = [];

    /// <summary>Adds a prompt of a customer's hot key; returns what that key had sent before.</summary>
    public ulong Add(Address hotKey, ulong promptTokens)
    {
        lock (_guard)
        {
            if (_sent.Count >= MostCustomers)
            {
                _sent.Clear();
            }

            var before = _sent.GetValueOrDefault(hotKey);
            _sent[hotKey] = before + promptTokens;
            return before;
        }
    }
}
