using Microsoft.Extensions.Logging;
using Souk.Chain;
using Souk.Gateway.Channels;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Protocol;
using Souk.Wire.X402;

namespace Souk.Gateway.X402;

/// <summary>
/// Takes the rest of channels back that pay for nothing any more: nearly spent ones, and those of servers that state
/// other terms or that the owner no longer names. The server is asked for a refund first, which is at once and costs
/// the gateway no gas; where it gives none the chain does, after the delay.
/// </summary>
internal sealed partial class SellerCare(
    GatewayOptions options, IMarketChain chain, Journal<CustomerBook> journal, SellerDesk desk, SellerLink link,
    SellerBooks books, ChannelWatch watch, TimeProvider time, ILogger<SellerCare> log)
{
    private const int MostAttempts = 2;
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(15);
    private static readonly byte[] NoRequest = "{}"u8.ToArray();

    /// <summary>Looks at every turn until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            foreach (var channel in journal.Book.Channels.Values.Where(IsUseless))
            {
                if (await watch.StartWithdrawalAsync(channel, cancellation) is { } refusal)
                {
                    LogNotTakenBack(channel.Id, refusal.Message);
                }
            }

            await Task.Delay(Turn, time, cancellation);
        }
    }

    /// <summary>Asks the server of a channel, on which no voucher is signed any more, for a refund. False where the
    /// chain has to give it.</summary>
    public async Task<bool> RefundAsync(CustomerChannel channel, CancellationToken cancellation)
    {
        if (options.Sellers.FirstOrDefault(seller => seller.Url == channel.Seller) is not { } seller
            || channel.State == CustomerChannelState.Frozen)
        {
            return false;
        }

        for (var attempt = 1; attempt <= MostAttempts; attempt++)
        {
            channel = journal.Book.Channels[channel.Id];
            var asked = await desk.AskAsync(seller, NoRequest, cancellation);
            if (!asked.TryGet(out var told, out var refusal))
            {
                LogNoRefund(channel.Id, refusal.Message);
                return false;
            }

            var voucher = Voucher.Sign(
                options.HotKey, chain.Network.EscrowDomain, channel.Id, channel.Base);
            var payment = new PaymentPayload(told.Picked, new RefundPayload(channel.Config, voucher, null))
            {
                Resource = told.Asked.Resource, Extensions = told.Asked.Extensions,
            };
            var sent = await link.PostAsync(seller, NoRequest, payment, cancellation);
            if (sent.IsOk && sent.Value.Settlement is { Success: true })
            {
                return true;
            }

            if (sent.Refusal is not null || !await CorrectAsync(channel, sent.Value))
            {
                LogNoRefund(channel.Id, sent.Refusal?.Message ?? sent.Value.Required?.Error ?? "no reason was given");
                return false;
            }
        }

        return false;
    }

    // A lost purchase may have cost something: its server proves it, and gets a voucher over just that.
    private async Task<bool> CorrectAsync(CustomerChannel channel, SellerReply reply)
    {
        if (reply.Required is not { Error: X402Errors.CumulativeMismatch } required
            || journal.Book.Purchases.GetValueOrDefault(channel.Id) is not { } lost
            || !SellerRules.Correct(required, channel, lost, chain.Network.EscrowDomain).TryGet(
                out var charged, out _)
            || charged == channel.Base)
        {
            return false;
        }

        await books.CorrectedAsync(channel, lost, charged);
        return true;
    }

    private bool IsUseless(CustomerChannel channel)
    {
        if (channel is not { Seller: { } url, State: CustomerChannelState.Idle, IsWithdrawing: false })
        {
            return false;
        }

        if (desk.LineOf(url) is not { } line)
        {
            return true;
        }

        // While no terms are known nothing can be said of it.
        var terms = options.Sellers.Where(seller => seller.Url == url)
            .Select(seller => line.Terms.TryGetValue(seller.Name, out var asked)
                && SellerRules.Pick(asked, seller, chain.Network).TryGet(out var picked, out _) ? picked : null)
            .OfType<PaymentRequirements>().ToList();
        return terms.Count > 0
            && terms.TrueForAll(one => channel.Free < one.Amount || !SellerRules.Fits(channel.Config, one));
    }

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "The rest of channel {Channel} was not taken back yet: {Reason}")]
    private partial void LogNotTakenBack(Bytes32 channel, string reason);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "The x402 server of channel {Channel} gave no refund, so the chain has to: {Reason}")]
    private partial void LogNoRefund(Bytes32 channel, string reason);
}
