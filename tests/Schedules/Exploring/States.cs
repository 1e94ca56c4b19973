using System.Text;
using Souk.Ledger.Customer;
using Souk.Ledger.Selling;

namespace Souk.Schedules.Exploring;

/// <summary>Books as texts that can be compared.</summary>
internal static class States
{
    /// <summary>All that budgets and channels consist of.</summary>
    public static string Of(CustomerBook book)
    {
        var text = new StringBuilder();
        foreach (var account in book.ApiKeys.Values)
        {
            text.AppendLine(FormattableString.Invariant(
                $"key {account.KeyHash} {account.Budget} {account.Spent} {account.Reserved}"));
        }

        foreach (var one in book.Reservations.Values.OrderBy(one => one.AppRequest.ToString(), StringComparer.Ordinal))
        {
            text.AppendLine(FormattableString.Invariant($"reserved {one.AppRequest} {one.Amount}"));
        }

        foreach (var channel in book.Channels.Values)
        {
            text.AppendLine(FormattableString.Invariant($"channel {channel.Id} {channel.State} {channel.Index}"));
            text.AppendLine(FormattableString.Invariant($"  {channel.Base} {channel.Ceiling} {channel.Request}"));
        }

        foreach (var request in book.Unexplained())
        {
            text.AppendLine(FormattableString.Invariant($"sent {request.Sent.Request} {request.Sent.Index}"));
        }

        return text.ToString();
    }

    /// <summary>All that a provider's channels and requests consist of.</summary>
    public static string Of(ProviderBook book)
    {
        var text = new StringBuilder();
        foreach (var channel in book.Channels.Values)
        {
            text.AppendLine(FormattableString.Invariant($"channel {channel.Id} {channel.Index} {channel.Base}"));
            text.AppendLine(FormattableString.Invariant($"  {channel.Ceiling} {channel.Request}"));
        }

        foreach (var request in book.Requests.Keys.Select(id => id.ToString()).Order(StringComparer.Ordinal))
        {
            text.AppendLine(FormattableString.Invariant($"request {request}"));
        }

        return text.ToString();
    }
}
