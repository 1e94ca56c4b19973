using Souk.Chain;
using Souk.Gateway.Chat;
using Souk.Gateway.Keys;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Market.Budgets;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.Protocol;
using Souk.Wire.X402;

namespace Souk.Gateway.X402;

/// <summary>
/// Buys answers from plain x402 servers, for apps that ask for <c>x402/MODEL</c>. Such a server charges by its own
/// word up to what it stated before, and nothing of its answer can be checked: it is worth what its owner's trust is.
/// </summary>
internal sealed class SellerDesk(
    GatewayOptions options, IMarketChain chain, Journal<CustomerBook> journal, SellerLink link, SellerChannels channels,
    SellerBooks books, TimeProvider time)
{
    private const int MostAttempts = 4;
    private const ulong GuessedOutput = 512;
    private const int BytesPerToken = 4;
    private static readonly TimeSpan BusyWait = TimeSpan.FromSeconds(1);
    private readonly Dictionary<string, X402Seller> _byName =
        options.Sellers.ToDictionary(seller => seller.Name, StringComparer.Ordinal);

    private readonly Dictionary<string, SellerLine> _lines =
        options.Sellers.DistinctBy(seller => seller.Url).ToDictionary(seller => seller.Url, _ => new SellerLine());

    /// <summary>The server that a model's name stands for; null where it is none.</summary>
    public X402Seller? Find(string model) => _byName.GetValueOrDefault(model);

    /// <summary>The place at a server, which its channel's other affairs take too; null where the owner names no such
    /// server any more.</summary>
    public SellerLine? LineOf(string url) => _lines.GetValueOrDefault(url);

    /// <summary>Buys a whole answer.</summary>
    public async Task<SellerAnswer> BuyAsync(
        X402Seller seller, ChatRequest chat, Caller caller, RequestId appRequest)
    {
        if (Check(seller, chat, caller) is { } barred)
        {
            return None(barred, chat);
        }

        var body = chat.ToProviderBody(new ProviderBody(seller.Model)
        {
            MaxTokens = (int?)chat.MaxTokens, Stream = false, IncludeUsage = false, ReturnTokenIds = false,
        });
        var output = (ulong?)chat.MaxTokens;
        if (caller.TakeTokens((ulong)(body.Length / BytesPerToken), output ?? GuessedOutput, output is null)
            is { } limited)
        {
            return None(limited, chat);
        }

        var line = _lines[seller.Url];
        if (!await line.EnterAsync(options.ChannelWait, time, caller.Stopped))
        {
            return None(
                new Refusal(Fault.Nobody, "no_channel", "The x402 server is busy with other requests; try again."),
                chat);
        }

        try
        {
            return await BuyAsync(new Order(seller, line, chat, body, caller, appRequest));
        }
        finally
        {
            line.Leave();
        }
    }

    /// <summary>A server's terms that the owner allows, asked for by a request without payment.</summary>
    public async Task<Result<(PaymentRequired Asked, PaymentRequirements Picked)>> AskAsync(
        X402Seller seller, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        var sent = await link.PostAsync(seller, body, null, cancellation);
        if (!sent.TryGet(out var reply, out var refusal))
        {
            return refusal with { Fault = Fault.Nobody };
        }

        if (reply.Required is not { } required)
        {
            return new Refusal(
                Fault.Theirs, "seller_terms",
                $"The x402 server answered a request without payment with status {reply.Status} and no terms that can "
                + "be read.");
        }

        return SellerRules.Pick(required, seller, chain.Network).TryGet(out var picked, out refusal)
            ? (required, picked)
            : refusal;
    }

    private Refusal? Check(X402Seller seller, ChatRequest chat, Caller caller)
    {
        var now = (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();
        var key = KeyStanding.Of(journal.Book.ApiKeys.GetValueOrDefault(caller.Key.KeyHash), now);
        if ((ApiKeyRules.CheckUse(key, now / 1000) ?? ApiKeyRules.CheckModel(key!, seller.Name)) is { } barred)
        {
            return barred;
        }

        if (chat.Embedding is not null || chat.Prompt is not null)
        {
            return new Refusal(
                Fault.Theirs, "model_not_supported", $"The model '{seller.Name}' serves chats and nothing else.");
        }

        // A price for the whole request says nothing of a token's.
        return key!.PriceCap is null
            ? null
            : new Refusal(Fault.Theirs, "price_above_cap", "The model is sold by the request, not by the token.");
    }

    private async Task<SellerAnswer> BuyAsync(Order order)
    {
        Refusal? last = null;
        for (var attempt = 1; attempt <= MostAttempts; attempt++)
        {
            var step = await TryAsync(order);
            if (step.Answer is { } answer)
            {
                return answer;
            }

            last = step.Again!;
            if (last.Code == X402Errors.Busy)
            {
                await Task.Delay(BusyWait, time, order.Caller.Stopped);
            }
        }

        return None(new Refusal(Fault.Nobody, "no_channel", last!.Message), order.Chat);
    }

    private async Task<Step> TryAsync(Order order)
    {
        var (seller, stopped) = (order.Seller, order.Caller.Stopped);
        Refusal? refusal;
        if (!order.Line.Terms.TryGetValue(seller.Name, out var asked))
        {
            if (!(await AskAsync(seller, order.Body, stopped)).TryGet(out var told, out refusal))
            {
                return None(refusal, order.Chat);
            }

            order.Line.Terms[seller.Name] = asked = told.Asked;
        }

        if (!SellerRules.Pick(asked, seller, chain.Network).TryGet(out var terms, out refusal)
            || !(await channels.TakeAsync(seller, terms, stopped)).TryGet(out var channel, out refusal)
            || !(await books.ReserveAsync(
                seller.Name, order.Caller, order.AppRequest, channel.Id, terms.Amount))
                .TryGet(out var purchase, out refusal))
        {
            order.Line.Terms.TryRemove(seller.Name, out _);
            return None(refusal, order.Chat);
        }

        // From here on it may be charged: the reply is read whoever leaves.
        var payment = new PaymentPayload(terms, new VoucherPayload(channel.Config, purchase.Voucher))
        {
            Resource = asked.Resource, Extensions = asked.Extensions,
        };
        var sent = await link.PostAsync(seller, order.Body, payment, CancellationToken.None);
        return sent.TryGet(out var reply, out refusal)
            ? await TakeAsync(order, purchase, reply)
            : await FailedAsync(order, purchase, refusal);
    }

    private async Task<Step> FailedAsync(Order order, OpenPurchase purchase, Refusal refusal)
    {
        await (SellerLink.IsUnsent(refusal)
            ? books.RefusedAsync(purchase, refusal.Code)
            : books.LostAsync(purchase, refusal.Code));
        return None(refusal with { Fault = Fault.Nobody }, order.Chat);
    }

    private async Task<Step> TakeAsync(Order order, OpenPurchase purchase, SellerReply reply)
    {
        if (reply.Settlement is { Success: true } settled)
        {
            return await ChargedAsync(order, purchase, reply, settled);
        }

        if (reply.IsSuccess)
        {
            return await DisputeAsync(order, purchase, new Refusal(
                Fault.Theirs, SellerRules.OutOfStep, "The x402 server took the voucher and tells no charge."));
        }

        if (reply.Status == 402)
        {
            return await UnpaidAsync(order, purchase, reply);
        }

        var error = OpenAiError.Parse(reply.Body.Span, reply.Status);
        if (reply.Status is < 400 or 408 or >= 500)
        {
            // Something between may have given up on a server that goes on.
            await books.LostAsync(purchase, $"status_{reply.Status}");
            return SellerAnswer.None(OpenAiError.BadGateway(error.Message, "seller_failed"));
        }

        await books.RefusedAsync(purchase, $"status_{reply.Status}");
        return SellerAnswer.None(reply.Status is 400 or 413 or 422
            ? error
            : OpenAiError.BadGateway(error.Message, "seller_failed"));
    }

    private async Task<Step> ChargedAsync(
        Order order, OpenPurchase purchase, SellerReply reply, SettlementResponse settled)
    {
        if (SellerRules.Check(settled, purchase.Channel, chain.Network.ChainId, purchase.Most) is { } breach)
        {
            return await DisputeAsync(order, purchase, breach);
        }

        var answer = reply.IsSuccess ? SellerAnswer.Read(reply.Body.Span, order.Chat.Choices) : null;
        var bill = await books.ChargedAsync(purchase, settled.Charged!.Value, answer?.Usage);
        if (answer is null)
        {
            const string Useless = "The x402 server's answer is no chat completion that the request could have.";
            return SellerAnswer.None(bill.IsZero
                ? OpenAiError.BadGateway(Useless, "seller_failed")
                : OpenAiError.Unprocessable(Useless, null, "seller_failed"));
        }

        order.Caller.Used((ulong)answer.Usage.TotalTokens);
        return answer with
        {
            Usage = answer.Usage with { Cost = bill.ToDecimal(chain.Network.CurrencyDecimals) },
        };
    }

    // A 402 to a paid request cost nothing. Either both sides count the channel differently, which a lost reply
    // explains and the server must prove, or the terms are others by now.
    private async Task<Step> UnpaidAsync(Order order, OpenPurchase purchase, SellerReply reply)
    {
        var code = Code(reply.Required?.Error);
        order.Line.Terms.TryRemove(order.Seller.Name, out _);
        if (reply.Required is not { } required || code != X402Errors.CumulativeMismatch)
        {
            await books.RefusedAsync(purchase, code);
            return new Step(null, new Refusal(Fault.Theirs, code, $"The x402 server refuses the payment: {code}."));
        }

        var lost = journal.Book.Purchases[purchase.Channel.Id].Lost;
        var corrected = SellerRules.Correct(required, purchase.Channel, lost, chain.Network.EscrowDomain);
        if (!corrected.TryGet(out var charged, out var breach))
        {
            return await DisputeAsync(order, purchase, breach);
        }

        var isSame = charged == purchase.Channel.Base
            && SellerRules.Pick(required, order.Seller, chain.Network).TryGet(out var now, out _)
            && now.Amount == purchase.Most;
        if (isSame)
        {
            return await DisputeAsync(order, purchase, new Refusal(
                Fault.Theirs, SellerRules.OutOfStep, "The x402 server refuses the voucher that it asks for."));
        }

        await books.CorrectedAsync(purchase, lost, charged);
        return new Step(null, new Refusal(Fault.Theirs, code, "The x402 server counts the channel differently."));
    }

    // A server's words go into the ledger and to the app, so only what looks like a code does.
    private static string Code(string? error) =>
        error is { Length: > 0 and <= 96 } && error.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c)
            || c == '_')
            ? error
            : "payment_refused";

    private async Task<Step> DisputeAsync(Order order, OpenPurchase purchase, Refusal why)
    {
        await books.DisputeAsync(purchase, why);
        return None(why, order.Chat);
    }

    private static SellerAnswer None(Refusal refusal, ChatRequest chat) =>
        SellerAnswer.None(AppErrors.From(refusal, chat));

    /// <summary>What is bought, by whom, and where.</summary>
    private sealed record Order(
        X402Seller Seller, SellerLine Line, ChatRequest Chat, ReadOnlyMemory<byte> Body, Caller Caller,
        RequestId AppRequest);

    /// <summary>One attempt: an answer, or why to try again.</summary>
    private sealed record Step(SellerAnswer? Answer, Refusal? Again)
    {
        public static implicit operator Step(SellerAnswer answer) => new(answer, null);
    }
}
