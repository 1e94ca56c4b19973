using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Simulation.Audit;

/// <summary>What the provider's durable rows say, added up apart from the provider.</summary>
internal sealed class ProviderAudit(Auditor auditor)
{
    public sealed class Channel
    {
        public ulong Index { get; set; }

        public UInt128 Ceiling { get; set; }

        public UInt128 Base { get; set; }

        public UInt128 Deposit { get; set; }

        /// <summary>The most that was ever seen confirmed; only a withdrawal makes it less, after its delay.</summary>
        public UInt128 Confirmed { get; set; }

        public UInt128 Lost { get; set; }

        public bool IsWithdrawing { get; set; }

        public RequestId? Open { get; set; }

        /// <summary>The costliest slice that any of its requests could have had on credit.</summary>
        public UInt128 GreatestSlice { get; set; }
    }

    public sealed record Request(RequestAdmitted Admitted, Offer Offer, UInt128 Base)
    {
        public Signature? Receipt { get; set; }

        public UInt128 Charge { get; set; }

        /// <summary>Prompt and output tokens that its engine has made in all.</summary>
        public ulong Prompt { get; set; }

        public ulong Generated { get; set; }
    }

    private readonly HashSet<Bytes32> _nonces = [];
    private readonly Dictionary<Bytes32, Offer> _offers = [];
    private readonly Dictionary<Bytes32, ulong> _sequences = [];
    private readonly HashSet<Signature> _receipts = [];

    public Dictionary<Bytes32, Channel> Channels { get; } = [];

    public Dictionary<RequestId, Request> Requests { get; } = [];

    public UInt128 PaidOut { get; private set; }

    public HashSet<Bytes32> OpenClaims { get; } = [];

    public bool Has(Signature receipt) => _receipts.Contains(receipt);

    public bool HasNonce(Bytes32 nonce) => _nonces.Contains(nonce);

    public void See(LedgerEvent happened)
    {
        switch (happened)
        {
            case OfferIssued row:
                var last = _sequences.GetValueOrDefault(row.Offer.Message.ModelDigest);
                auditor.Require(row.Offer.Message.Sequence > last, "an offer's sequence does not rise");
                _sequences[row.Offer.Message.ModelDigest] = row.Offer.Message.Sequence;
                _offers[row.OfferHash] = row.Offer.Message;
                break;
            case ChannelSeen row:
                var seen = Of(row.ChannelId);
                seen.Deposit = row.Deposit.Units;
                seen.Confirmed = UInt128.Max(seen.Confirmed, row.ConfirmedDeposit.Units);
                seen.IsWithdrawing = row.IsWithdrawing;
                break;
            case AcceptanceSigned row:
                auditor.Require(
                    row.Acceptance.Message.Charged.Units == Of(row.Acceptance.Message.ChannelId).Base,
                    "an acceptance states another total than the receipts");
                break;
            case VoucherAccepted row:
                Accept(row);
                break;
            case RequestAdmitted row:
                Admit(row);
                break;
            case ReceiptSigned row:
                Sign(row.Receipt);
                break;
            case ClaimSubmitted row:
                OpenClaims.Add(row.ClaimId);
                auditor.Require(
                    row.Channels.All(part => part.Total.Units <= Of(part.ChannelId).Base
                        && part.Total.Units <= Of(part.ChannelId).Ceiling),
                    "a claim asks for more than was earned and promised");
                break;
            case ClaimMined row:
                OpenClaims.Remove(row.ClaimId);
                break;
            case ClaimFailed row:
                OpenClaims.Remove(row.ClaimId);
                break;
            case Settled row:
                PaidOut += row.Amount.Units;
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

    /// <summary>The engine has read a prompt or made tokens: never more than is promised and durable. It may begin
    /// before that; nobody takes a token from it.</summary>
    /// <param name="id">The request.</param>
    /// <param name="prompt">Tokens of its prompt.</param>
    /// <param name="counted">Tokens made that count for the bill as they come.</param>
    /// <param name="generated">All tokens made.</param>
    public void Work(RequestId id, ulong prompt, ulong counted, ulong generated)
    {
        if (!Requests.TryGetValue(id, out var request))
        {
            auditor.Require(generated == 0, "the engine makes tokens of a request that is not on the disk");
            return;
        }

        (request.Prompt, request.Generated) = (prompt, generated);
        var channel = Of(request.Admitted.ChannelId);
        var offer = request.Offer;
        var worked = request.Base + Reckoning.Cost(offer, prompt, 0, counted);
        auditor.Require(worked <= channel.Ceiling, "the engine works beyond what is promised and durable");
        // With counting by usage the prompt is known only by its bound when credit is given.
        var bound = Math.Max(prompt, auditor.Customer.Requests.GetValueOrDefault(id)?.Sent.PromptTokens ?? 0);
        var credit = Reckoning.Cost(offer, bound, 0, (ulong)offer.SliceGreatest);
        channel.GreatestSlice = UInt128.Max(channel.GreatestSlice, credit);
        auditor.Require(
            worked <= channel.Confirmed + credit || channel.IsWithdrawing,
            "the engine works on more than a slice of credit");
    }

    private void Accept(VoucherAccepted row)
    {
        var channel = Of(row.Voucher.ChannelId);
        var ceiling = row.Voucher.MaxClaimable.Units;
        auditor.Require(ceiling >= channel.Ceiling, "the provider took a lower voucher");
        auditor.Require(ceiling <= channel.Deposit, "the provider took a voucher above the deposit");
        auditor.Require(!channel.IsWithdrawing, "the provider took a voucher during a withdrawal");
        auditor.Require(
            auditor.Customer.Has(row.Voucher.ChannelId, ceiling), "the provider took a voucher that nobody issued");
        channel.Ceiling = ceiling;
    }

    private void Admit(RequestAdmitted row)
    {
        var channel = Of(row.ChannelId);
        var offer = _offers[row.OfferHash];
        auditor.Require(row.Index > channel.Index, "the provider took an index twice");
        auditor.Require(channel.Open is null, "the provider serves two requests on one channel");
        auditor.Require(!Requests.ContainsKey(row.Request), "the provider began a request twice");
        auditor.Require(_nonces.Add(row.ProviderNonce), "the provider opened a nonce twice");
        auditor.Require(row.AtMs / 1000 < offer.Expiry, "the provider honours an expired offer");
        channel.Index = row.Index;
        channel.Open = row.Request;
        Requests[row.Request] = new Request(row, offer, channel.Base);
    }

    private void Sign(Signed<Receipt> signed)
    {
        var receipt = signed.Message;
        var channel = Of(receipt.ChannelId);
        var request = Requests[receipt.RequestId];
        auditor.Require(request.Receipt is null, "the provider signed two receipts for one request");
        (request.Receipt, request.Charge) = (signed.Signature, receipt.Charge.Units);
        _receipts.Add(signed.Signature);
        channel.Open = null;
        channel.Base += receipt.Charge.Units;
        auditor.Require(receipt.Cumulative.Units == channel.Base, "a receipt's total is not the sum of the charges");
        auditor.Require(channel.Base <= channel.Ceiling, "the provider charges more than was promised");
        auditor.Require(
            receipt.Charge.Units == Reckoning.Cost(
                request.Offer, receipt.InputTokens, receipt.CachedTokens, receipt.OutputTokens),
            "a charge does not follow from its counts");
        auditor.Require(
            receipt.OutputTokens <= request.Generated, "a receipt counts tokens that the engine did not make");
        // Only a receipt after a crash has no commitment to ids that are counted.
        auditor.Require(
            receipt.FinishReason != FinishReasons.Error || receipt.OutputTokens > 0
            || receipt.OutputCommitment.IsZero || receipt.Charge.IsZero,
            "a failure before the first token is charged");
        var sent = auditor.Customer.Requests.GetValueOrDefault(receipt.RequestId)?.Sent;
        auditor.Require(
            sent is null || receipt.InputTokens + receipt.CachedTokens <= sent.PromptTokens,
            "a receipt counts a longer prompt than was sent");
    }
}
