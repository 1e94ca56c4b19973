using Souk.Chain;
using Souk.Gateway.Channels;
using Souk.Gateway.Chat;
using Souk.Gateway.Offers;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Gateway.Admin;

/// <summary>What the owner sees through the admin API. Amounts are exact decimals of the whole currency.</summary>
internal sealed class AdminReports(
    GatewayOptions options, IMarketChain chain, Journal<CustomerBook> journal, MarketView market, ChannelWatch watch,
    TrafficRecord traffic, RecentCalls recent)
{
    private int Decimals => chain.Network.CurrencyDecimals;

    /// <summary>GET status.</summary>
    public async Task<Result<ReadOnlyMemory<byte>>> StatusAsync(CancellationToken cancellation)
    {
        var vault = await chain.VaultAsync(options.Vault, ReadPoint.Newest, cancellation);
        if (!vault.TryGet(out var read, out var refusal))
        {
            return refusal;
        }

        var book = journal.Durable;
        return AdminJson.Write(json =>
        {
            json.WriteString("vault", options.Vault.ToString());
            json.WriteString("vault_balance", (read.Value?.Balance ?? Amount.Zero).ToDecimal(Decimals));
            json.WriteNumber("head", watch.Newest.Number);
            json.WriteNumber("offers", market.Book.Count);
            json.WriteNumber("indexers", market.IndexersReached);
            json.WriteNumber("channels", book.Channels.Values.Count(channel =>
                channel.State != CustomerChannelState.Closed));
            json.WriteNumber("idle_channels", book.Channels.Values.Count(channel =>
                channel.State == CustomerChannelState.Idle));
            json.WriteNumber("frozen_channels", book.Channels.Values.Count(channel =>
                channel.State == CustomerChannelState.Frozen));
            json.WriteNumber("in_flight", traffic.InFlight);
            json.WriteNumber("outstanding", book.Outstanding.Count);
            json.WriteString("exposure", book.Exposure.ToDecimal(Decimals));
            json.WriteString("exposure_cap", options.Caps.Total.ToDecimal(Decimals));
            json.WriteString("exposure_cap_per_provider", options.Caps.PerPeer.ToDecimal(Decimals));
            json.WriteString("locked", Sum(book, channel => Amount.SubtractToZero(channel.Deposit, channel.Claimed)));
            json.WriteString("spent", Sum(book, channel => channel.Base));
            json.WriteString("losses", book.Losses.ToDecimal(Decimals));
        });
    }

    /// <summary>GET deposit: where money goes to be spent through this gateway.</summary>
    public async Task<Result<ReadOnlyMemory<byte>>> DepositAsync(CancellationToken cancellation)
    {
        var vault = await chain.VaultAsync(options.Vault, ReadPoint.Newest, cancellation);
        if (!vault.TryGet(out var read, out var refusal))
        {
            return refusal;
        }

        return AdminJson.Write(json =>
        {
            json.WriteNumber("chain_id", chain.Network.ChainId);
            json.WriteString("currency", chain.Network.Currency.ToString());
            json.WriteString("address", options.Vault.ToString());
            json.WriteString("balance", (read.Value?.Balance ?? Amount.Zero).ToDecimal(Decimals));
            json.WriteString("remaining_cap", (read.Value?.Remaining ?? Amount.Zero).ToDecimal(Decimals));
        });
    }

    /// <summary>GET channels.</summary>
    public ReadOnlyMemory<byte> Channels() => AdminJson.Write(json =>
    {
        json.WriteStartArray("channels");
        foreach (var channel in journal.Durable.Channels.Values)
        {
            json.WriteStartObject();
            json.WriteString("id", channel.Id.ToString());
            json.WriteString("provider", channel.Provider.ToString());
            json.WriteString("state", channel.State.ToString().ToLowerInvariant());
            json.WriteString("deposit", channel.Deposit.ToDecimal(Decimals));
            json.WriteString("charged", channel.Base.ToDecimal(Decimals));
            json.WriteString("promised", channel.Ceiling.ToDecimal(Decimals));
            json.WriteString("claimed", channel.Claimed.ToDecimal(Decimals));
            json.WriteString("at_risk", channel.AtRisk.ToDecimal(Decimals));
            json.WriteString("lost", channel.Loss.ToDecimal(Decimals));
            json.WriteNumber("index", channel.Index);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    /// <summary>GET requests/{x-request-id}: what a request was billed, and the receipt behind it.</summary>
    public async Task<Result<ReadOnlyMemory<byte>>> RequestAsync(RequestId appRequest, CancellationToken cancellation)
    {
        var billed = await EventsAsync(appRequest, cancellation);
        if (billed.Count == 0)
        {
            return new Refusal(Fault.Theirs, "request_unknown", "No request with that id was paid for.");
        }

        var paid = recent.Find(appRequest);
        var events = paid is { } id ? await EventsAsync(id, cancellation) : [];
        var receipt = events.OfType<ReceiptReceived>().Select(row => row.Receipt).FirstOrDefault();
        return AdminJson.Write(json =>
        {
            json.WriteString("request", appRequest.ToString());
            json.WriteString("reserved", (billed.OfType<BudgetReserved>().FirstOrDefault()?.Reserved ?? Amount.Zero)
                .ToDecimal(Decimals));
            json.WriteString("billed", (billed.OfType<BudgetCharged>().FirstOrDefault()?.Charged ?? Amount.Zero)
                .ToDecimal(Decimals));
            json.WriteBoolean("ended", billed.Exists(row => row is BudgetCharged or BudgetReleased));
            if (receipt is not null)
            {
                json.WriteString("signer", receipt.Signer(market.Domain)?.ToString());
                json.WritePropertyName("receipt");
                json.WriteRawValue(SoukJson.Serialize(receipt));
            }
        });
    }

    private async Task<List<LedgerEvent>> EventsAsync(RequestId key, CancellationToken cancellation)
    {
        var rows = await journal.Ledger.FindAsync(key.ToString(), cancellation);
        return [.. rows.Select(RowCodec.ToEvent)];
    }

    private string Sum(CustomerBook book, Func<CustomerChannel, Amount> of) =>
        book.Channels.Values.Aggregate(Amount.Zero, (sum, channel) => sum + of(channel)).ToDecimal(Decimals);
}
