using System.Text.Json;
using Souk.Chain;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Protocol;
using Souk.Wire;

namespace Souk.Gateway.Admin;

/// <summary>
/// GET usage: what was used by day, key and model. Its sums are those of the receipts and bills in the ledger, to the
/// unit. What the gateway paid and billed nobody for has no key.
/// </summary>
internal sealed class UsageReport(IMarketChain chain, Journal<CustomerBook> journal, TimeProvider time)
{
    private const int MostRows = 10_000;
    private const ulong UsualDays = 30;
    private static readonly string[] Groups = ["day", "key", "model"];

    /// <summary>
    /// Query: <c>from</c> and <c>to</c>, UTC days such as 2026-11-24, both included (by default the last 30);
    /// <c>by</c>, any of <c>day,key,model</c> (by default all).
    /// </summary>
    public Result<ReadOnlyMemory<byte>> Of(WireRequest request)
    {
        var today = UtcDay.Of((ulong)time.GetUtcNow().ToUnixTimeMilliseconds());
        var to = today;
        if (request.QueryValue("to") is { } last && !UtcDay.TryParse(last, out to))
        {
            return Unfit("to", "a day such as 2026-11-24");
        }

        var from = new UtcDay(to.Number < UsualDays ? 0 : to.Number - UsualDays + 1);
        if (request.QueryValue("from") is { } first && !UtcDay.TryParse(first, out from))
        {
            return Unfit("from", "a day such as 2026-11-24");
        }

        var by = (request.QueryValue("by") ?? string.Join(',', Groups)).Split(',');
        if (by.Any(group => !Groups.Contains(group, StringComparer.Ordinal)))
        {
            return Unfit("by", "any of day, key and model, with commas between them");
        }

        var book = journal.Durable;
        var rows = Sum(book, from, to, by);
        return rows.Count <= MostRows
            ? Write(book, from, to, by, rows)
            : new Refusal(
                Fault.Theirs, "range_unfit",
                $"That is {rows.Count} rows, and an answer has at most {MostRows}: choose fewer days, "
                + "or group by less.");
    }

    private static SortedDictionary<UseKey, KeyUse> Sum(CustomerBook book, UtcDay from, UtcDay to, string[] by)
    {
        var (byDay, byKey, byModel) = (by.Contains("day"), by.Contains("key"), by.Contains("model"));
        SortedDictionary<UseKey, KeyUse> rows = [];
        foreach (var (at, use) in book.Uses)
        {
            if (at.Day >= from && at.Day <= to)
            {
                var row = new UseKey(
                    byDay ? at.Day : default, byKey ? at.KeyHash : Bytes32.Zero, byModel ? at.Model : "");
                rows[row] = rows.GetValueOrDefault(row, KeyUse.Nothing) + use;
            }
        }

        return rows;
    }

    private ReadOnlyMemory<byte> Write(
        CustomerBook book, UtcDay from, UtcDay to, string[] by, SortedDictionary<UseKey, KeyUse> rows) =>
        AdminJson.Write(json =>
        {
            json.WriteString("from", from.ToString());
            json.WriteString("to", to.ToString());
            json.WriteStartArray("rows");
            foreach (var (at, use) in rows)
            {
                json.WriteStartObject();
                if (by.Contains("day"))
                {
                    json.WriteString("day", at.Day.ToString());
                }

                if (by.Contains("key"))
                {
                    json.WriteString("key", at.KeyHash == Bytes32.Zero ? null : at.KeyHash.ToString());
                    json.WriteString("name", book.ApiKeys.GetValueOrDefault(at.KeyHash)?.Name);
                }

                if (by.Contains("model"))
                {
                    json.WriteString("model", at.Model);
                }

                Write(json, use);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartObject("total");
            Write(json, rows.Values.Aggregate(KeyUse.Nothing, KeyUse.Add));
            json.WriteEndObject();
        });

    private void Write(Utf8JsonWriter json, KeyUse use)
    {
        json.WriteNumber("requests", use.Requests);
        json.WriteNumber("input_tokens", use.Input);
        json.WriteNumber("cached_tokens", use.Cached);
        json.WriteNumber("output_tokens", use.Output);
        json.WriteString("charged", use.Charged.ToDecimal(chain.Network.CurrencyDecimals));
        json.WriteString("billed", use.Billed.ToDecimal(chain.Network.CurrencyDecimals));
    }

    private static Refusal Unfit(string name, string what) => new(Fault.Theirs, name + "_unfit", $"{name} is {what}.");
}
