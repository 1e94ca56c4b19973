using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Simulation.Audit;

/// <summary>What the gateway's durable rows say, added up apart from the gateway.</summary>
internal sealed class CustomerAudit(Auditor auditor, ulong sliceTokens)
{
    public sealed class Key
    {
        public UInt128 Budget { get; set; }

        public UInt128 Spent { get; set; }

        public UInt128 Reserved { get; set; }
    }

    public sealed class Channel
    {
        public ulong Index { get; set; }

        public UInt128 Ceiling { get; set; }

        public UInt128 CeilingBefore { get; set; }

        public UInt128 Base { get; set; }

        public UInt128 Lost { get; set; }

        public bool IsFrozen { get; set; }

        public bool IsWithdrawing { get; set; }

        public bool IsClosed { get; set; }

        /// <summary>The costliest slice that any of its requests could have at risk.</summary>
        public UInt128 GreatestSlice { get; set; }
    }

    public sealed record Request(RequestSent Sent, Offer Offer, UInt128 Base)
    {
        public Signed<Receipt>? Receipt { get; set; }

        public bool IsRefused { get; set; }
    }

    public sealed class AppRequest
    {
        public Bytes32 Key { get; set; }

        public UInt128? Reserved { get; set; }

        public UInt128? Charged { get; set; }
    }

    private readonly HashSet<(Bytes32 Channel, UInt128 Ceiling)> _vouchers = [];
    private readonly HashSet<Bytes32> _nonces = [];
    private readonly Dictionary<Bytes32, Offer> _offers = [];

    public Dictionary<Bytes32, Key> Keys { get; } = [];

    public Dictionary<Bytes32, Channel> Channels { get; } = [];

    public Dictionary<RequestId, Request> Requests { get; } = [];

    public Dictionary<RequestId, AppRequest> Apps { get; } = [];

    public int WithdrawalsFinished { get; private set; }

    /// <summary>Whether a promise is on the gateway's disk.</summary>
    public bool Has(Bytes32 channel, UInt128 ceiling) => _vouchers.Contains((channel, ceiling));

    public void See(LedgerEvent happened)
    {
        switch (happened)
        {
            case ApiKeyCreated row:
                Keys[row.KeyHash] = new Key { Budget = row.Budget.Units };
                break;
            case ApiKeyChanged row:
                Keys[row.KeyHash].Budget = row.Budget.Units;
                break;
            case BudgetReserved row:
                Reserve(row);
                break;
            case BudgetCharged row:
                End(row.AppRequest, row.Charged.Units);
                break;
            case BudgetReleased row:
                End(row.AppRequest, null);
                break;
            case DrawSigned row:
                auditor.Require(_nonces.Add(row.Nonce), "the gateway signed two draws with one nonce");
                break;
            case OfferUsed row:
                _offers[row.OfferHash] = row.Offer.Message;
                break;
            case VoucherIssued row:
                Vouch(row);
                break;
            case RequestSent row:
                Send(row);
                break;
            case ReceiptReceived row:
                Take(row.Receipt);
                break;
            case RequestRefused row:
                Requests[row.Request].IsRefused = true;
                break;
            case ChannelFrozen row:
                Of(row.ChannelId).IsFrozen = true;
                break;
            case WithdrawalStarted row:
                Of(row.ChannelId).IsWithdrawing = true;
                break;
            case WithdrawalFinished row:
                Of(row.ChannelId).IsClosed = true;
                WithdrawalsFinished++;
                break;
            case LossBooked row:
                Of(row.ChannelId).Lost += row.Amount.Units;
                break;
        }
    }

    public Channel Of(Bytes32 id)
    {
        if (!Channels.TryGetValue(id, out var channel))
        {
            Channels[id] = channel = new Channel();
        }

        return channel;
    }

    private void Reserve(BudgetReserved row)
    {
        if (!Apps.TryGetValue(row.AppRequest, out var app))
        {
            Apps[row.AppRequest] = app = new AppRequest { Key = row.KeyHash };
        }

        var key = Keys[row.KeyHash];
        auditor.Require(app.Reserved is null, "an app's request reserved twice");
        app.Reserved = row.Reserved.Units;
        key.Reserved += row.Reserved.Units;
        auditor.Require(key.Spent + key.Reserved <= key.Budget, "an API key's budget is overspent");
    }

    private void End(RequestId id, UInt128? charged)
    {
        var app = Apps[id];
        var key = Keys[app.Key];
        auditor.Require(app.Reserved is not null, "a reservation ended twice");
        auditor.Require(app.Charged is null, "an app's request was charged twice");
        auditor.Require((charged ?? 0) <= (app.Reserved ?? 0), "an app was charged more than was reserved");
        key.Reserved -= app.Reserved ?? 0;
        key.Spent += charged ?? 0;
        app.Reserved = null;
        app.Charged = charged ?? app.Charged;
    }

    private void Vouch(VoucherIssued row)
    {
        var channel = Of(row.Voucher.ChannelId);
        var ceiling = row.Voucher.MaxClaimable.Units;
        auditor.Require(ceiling >= channel.Ceiling, "the gateway lowered a ceiling");
        auditor.Require(!channel.IsFrozen && !channel.IsWithdrawing, "a voucher on a frozen or withdrawing channel");
        channel.CeilingBefore = channel.Ceiling;
        channel.Ceiling = ceiling;
        _vouchers.Add((row.Voucher.ChannelId, ceiling));
        if (row.IdsReceived == 0)
        {
            auditor.Require(row.Index > channel.Index, "the gateway used an index twice");
            channel.Index = row.Index;
            return;
        }

        var request = Requests[row.Request];
        auditor.Require(request.Receipt is null, "a raise for a request that has its receipt");
        auditor.Require(
            request.Offer.Counting == CountingKinds.Usage || row.IdsReceived <= auditor.Wire.IdsSent(row.Request),
            "a raise counts ids that nobody sent");
        var output = Math.Min(
            row.IdsReceived + Reckoning.Slice(request.Offer, sliceTokens, request.Sent.MostOutput),
            request.Sent.MostOutput);
        auditor.Require(
            ceiling <= request.Base + Reckoning.Cost(request.Offer, request.Sent.PromptTokens, 0, output),
            "a raise promises more than a slice ahead");
    }

    private void Send(RequestSent row)
    {
        var channel = Of(row.ChannelId);
        var offer = _offers[row.OfferHash];
        auditor.Require(!Requests.ContainsKey(row.Request), "the gateway sent a request id twice");
        auditor.Require(_nonces.Add(row.GatewayNonce), "the gateway used a nonce twice");
        auditor.Require(row.AtMs / 1000 < offer.Expiry, "the gateway bought by an expired offer");
        var slice = Reckoning.Slice(offer, sliceTokens, row.MostOutput);
        var first = Reckoning.Cost(offer, row.PromptTokens, 0, slice);
        auditor.Require(
            channel.Ceiling <= UInt128.Max(channel.CeilingBefore, channel.Base + first),
            "a first voucher promises more than a slice ahead");
        auditor.Require(
            channel.Ceiling >= channel.Base + first, "a first voucher does not cover its slice");
        channel.GreatestSlice = UInt128.Max(
            channel.GreatestSlice,
            Reckoning.Cost(offer, row.PromptTokens, 0, (ulong)offer.SliceGreatest));
        Requests[row.Request] = new Request(row, offer, channel.Base);
    }

    private void Take(Signed<Receipt> signed)
    {
        var receipt = signed.Message;
        var channel = Of(receipt.ChannelId);
        var request = Requests[receipt.RequestId];
        auditor.Require(request.Receipt is null, "the gateway booked two receipts for one request");
        auditor.Require(!request.IsRefused, "the gateway booked a receipt for a request that it gave up");
        request.Receipt = signed;
        channel.Base += receipt.Charge.Units;
        auditor.Require(receipt.Cumulative.Units == channel.Base, "a receipt's total is not the sum of the receipts");
        auditor.Require(channel.Base <= channel.Ceiling, "receipts add up to more than was promised");
        auditor.Require(
            receipt.Charge.Units == Reckoning.Cost(
                request.Offer, receipt.InputTokens, receipt.CachedTokens, receipt.OutputTokens),
            "the gateway took a charge that does not follow from the counts");
        auditor.Require(
            auditor.Provider.Requests.GetValueOrDefault(receipt.RequestId)?.Receipt == signed.Signature,
            "the gateway holds a receipt that its provider does not have");
    }
}
