using Souk.Ledger.Selling;
using Souk.Protocol;
using Souk.Wire.Paid;

namespace Souk.Provider.Requests;

/// <summary>
/// The token ids of ended answers, for customers whose stream broke. They are what a customer was told in confidence,
/// so they are kept in memory only, for a day, and bounded; the receipts beside them are in the ledger.
/// </summary>
internal sealed class AnswerShelf(TimeProvider time)
{
    private const long MostIds = 16 << 20;
    private readonly Lock _guard = new();
    private readonly Queue<(RequestId Id, ulong AtMs, long Count)> _order = [];
    private readonly Dictionary<RequestId, IReadOnlyList<RequestChoice>> _answers = [];
    private long _ids;

    public void Keep(RequestId id, IReadOnlyList<RequestChoice> choices)
    {
        var now = (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();
        var count = choices.Sum(choice => (long)choice.Ids.Count);
        lock (_guard)
        {
            _answers[id] = choices;
            _order.Enqueue((id, now, count));
            _ids += count;
            while (_order.TryPeek(out var oldest)
                && (_ids > MostIds || oldest.AtMs + ProviderBook.ReceiptKeptMs < now))
            {
                _order.Dequeue();
                _answers.Remove(oldest.Id);
                _ids -= oldest.Count;
            }
        }
    }

    public IReadOnlyList<RequestChoice> Find(RequestId id)
    {
        lock (_guard)
        {
            return _answers.GetValueOrDefault(id, []);
        }
    }
}
