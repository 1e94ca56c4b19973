using Souk.Ledger;
using Souk.Ledger.Rows;

namespace Souk.Bench;

/// <summary>
/// CPU microseconds per request of gateway and provider, of a one-token answer of a trivial upstream, and how much of
/// it the steps take when each is done again and again by itself with the data of a request that was served. What is
/// left is forwarding: HTTP, TLS, streams, the provider's call of its upstream, and everything between the steps.
/// </summary>
internal static class RequestCost
{
    private const int Requests = 500;

    public static async Task RunAsync()
    {
        double gateway, provider;
        ServedRequest served;
        await using (var network = await SplitNetwork.StartAsync(pauseMs: 0))
        {
            Task Load() => network.LoadAsync(Requests, tokens: 1, apps: 2, isStreamed: false);
            (gateway, provider) = await network.MeasureAsync(Load);
            (gateway, provider) = (gateway / Requests, provider / Requests);
            served = ServedRequest.Read(network);
        }

        using var steps = new Steps(served);
        await PrintAsync("gateway, CPU microseconds per request", gateway, steps.Gateway);
        await PrintAsync("provider, CPU microseconds per request", provider, steps.Provider);
    }

    private static async Task PrintAsync(string title, double total, IReadOnlyList<Step> steps)
    {
        Table.Head(title, "CPU", "share");
        var known = 0.0;
        foreach (var step in steps)
        {
            var cost = await step.MeasureAsync();
            known += cost;
            Table.Row(step.Name, cost, cost / total);
        }

        Table.Row("forward: all the rest", total - known, (total - known) / total);
        Table.Row("whole request", total, 1);
    }
}

/// <summary>One thing that a role does for a request.</summary>
internal sealed record Step(string Name, Func<Task> Work)
{
    private const int Times = 3000;

    /// <summary>CPU microseconds of this process for doing it once.</summary>
    public async Task<double> MeasureAsync()
    {
        for (var i = 0; i < Times; i++)
        {
            await Work();
        }

        var before = Environment.CpuUsage.TotalTime;
        for (var i = 0; i < Times; i++)
        {
            await Work();
        }

        return (Environment.CpuUsage.TotalTime - before).TotalMicroseconds / Times;
    }
}

/// <summary>Rows that both ledgers hold of one request.</summary>
internal sealed record ServedRequest(
    OfferUsed Offer, RequestSent Sent, VoucherIssued Voucher, ReceiptReceived Receipt,
    IReadOnlyList<LedgerEntry[]> GatewayAppends, IReadOnlyList<LedgerEntry[]> ProviderAppends)
{
    public static ServedRequest Read(SplitNetwork network)
    {
        var gateway = Events(network.Ledger("gateway"));
        var provider = Events(network.Ledger("provider"));
        var receipt = gateway.OfType<ReceiptReceived>().Last();
        var id = receipt.Receipt.Message.RequestId;
        var sent = gateway.OfType<RequestSent>().Single(row => row.Request == id);
        var voucher = gateway.OfType<VoucherIssued>().Single(row => row.Request == id);
        LedgerEntry[] Entries(params LedgerEvent[] events) => [.. events.Select(RowCodec.ToEntry)];
        return new ServedRequest(
            gateway.OfType<OfferUsed>().Last(), sent, voucher, receipt,
            [
                Entries(gateway.OfType<BudgetReserved>().Single(row => row.AppRequest == sent.AppRequest), voucher,
                    sent),
                Entries(receipt, gateway.OfType<BudgetCharged>().Single(row => row.AppRequest == sent.AppRequest)),
            ],
            [
                Entries(
                    provider.OfType<VoucherAccepted>().Single(row => row.Request == id),
                    provider.OfType<RequestAdmitted>().Single(row => row.Request == id)),
                Entries(
                    provider.OfType<PrefillBegun>().Single(row => row.Request == id),
                    provider.OfType<ReceiptSigned>().Single(row => row.Receipt.Message.RequestId == id)),
            ]);
    }

    private static List<LedgerEvent> Events(string path) =>
        [.. LedgerReader.Read(path).Select(row => RowCodec.ToEvent(new LedgerRow(
        row.Sequence, row.Kind, row.Key, System.Text.Encoding.UTF8.GetBytes(row.Body.GetRawText()), default)))];
}
