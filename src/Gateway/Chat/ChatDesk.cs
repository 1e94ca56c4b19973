using System.Text;
using Souk.Chain;
using Souk.Gateway.Channels;
using Souk.Gateway.Front;
using Souk.Gateway.Keys;
using Souk.Gateway.Receipts;
using Souk.Gateway.X402;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.OpenAi.Messages;
using Souk.Protocol;
using Souk.Wire;

namespace Souk.Gateway.Chat;

/// <summary>
/// Answers apps by a paid call, streamed and whole, in whatever API they speak: prepares it, runs it, tries another
/// channel, waits for the bill, and tells how it went so that no SDK pays twice.
/// </summary>
internal sealed class ChatDesk(
    GatewayOptions options, IMarketChain chain, CallDesk calls, PaidStream stream, ReceiptChaser chaser,
    ReceiptBooks books, MissedTokens missed, RecentCalls recent, SellerDesk sellers, TimeProvider time)
{
    private const int MostAttempts = 4;

    /// <summary>Answers a request of an API key.</summary>
    public async Task HandleAsync(
        IAppApi api, Visit visit, Caller caller, CancellationToken aborted)
    {
        var (app, appRequest) = (new App(api, visit.Response, visit.Headers, visit.Id, aborted), visit.Id);
        var parsed = api.Parse(visit.Request.Body);
        if (!parsed.IsOk)
        {
            await app.FailAsync(parsed.Error);
            return;
        }

        var chat = parsed.Value.Chat;
        if (sellers.Find(chat.Model) is { } seller)
        {
            var bought = await sellers.BuyAsync(seller, chat, caller, appRequest);
            await TellAsync(parsed.Value, bought, appRequest, app);
            return;
        }

        var prepared = await calls.PrepareAsync(chat, caller, appRequest, caller.Stopped);
        if (!prepared.TryGet(out var call, out var refusal))
        {
            await app.FailAsync(AppErrors.From(refusal, chat));
            return;
        }

        recent.Note(appRequest, call.Paid.Id);
        using var reply = parsed.Value.Begin(
            appRequest, time.GetUtcNow().ToUnixTimeSeconds(), call.CountsIds ? (long)call.Plan.PromptTokens : null);
        if (chat.Stream)
        {
            await StreamAsync(call, caller, app, reply);
        }
        else
        {
            await WholeAsync(call, caller, app, reply);
        }
    }

    /// <summary>Answers how many tokens a request's prompt has, in Anthropic's words.</summary>
    public async Task CountAsync(Visit visit, Caller caller, MessagesApi api, CancellationToken aborted)
    {
        var app = new App(api, visit.Response, visit.Headers, visit.Id, aborted);
        var parsed = MessagesRequest.ParseToCount(visit.Request.Body);
        if (!parsed.IsOk)
        {
            await app.FailAsync(parsed.Error);
        }
        else if (!(await calls.CountAsync(parsed.Value, caller, caller.Stopped))
            .TryGet(out var tokens, out var refusal))
        {
            await app.FailAsync(AppErrors.From(refusal));
        }
        else
        {
            await visit.SendAsync(200, Encoding.UTF8.GetBytes($"{{\"input_tokens\":{tokens}}}"), aborted);
        }
    }

    // What an x402 server sells comes whole; an app that wants a stream gets it in one piece.
    private async Task TellAsync(IAppRequest asked, SellerAnswer bought, RequestId id, App app)
    {
        if (bought.Error is { } error)
        {
            await app.FailAsync(error);
            return;
        }

        using var reply = asked.Begin(id, time.GetUtcNow().ToUnixTimeSeconds(), bought.Usage.PromptTokens);
        if (!asked.Chat.Stream)
        {
            await app.Response.SendJsonAsync(200, reply.Whole(bought.Choices, bought.Usage), app.Aborted, app.Headers);
            return;
        }

        var sink = new AppStream(app.Response, reply, app.Headers);
        foreach (var part in bought.Choices.SelectMany(SellerAnswer.Parts))
        {
            sink.Add(part);
        }

        await sink.EndAsync(bought.Choices, bought.Usage);
    }

    // A provider may refuse a channel for a reason that passes, such as a deposit that is not confirmed yet. Nothing
    // was charged and nothing was told, so the same request goes out on another channel.
    private async Task<(PaidCall Call, Answer Answer, CallOutcome Outcome)> RunAsync(
        PaidCall call, Caller caller, AppStream? sink)
    {
        for (var attempt = 1; ; attempt++)
        {
            var answer = new Answer(call);
            var outcome = await stream.RunAsync(call, answer, sink, caller.Stopped);
            if (outcome is not
                {
                    Bill.IsZero: true,
                    Failure.Code: "deposit_unconfirmed" or "channel_busy" or ChannelProof.BooksBehind,
                }
                || answer.HasOutput || attempt == MostAttempts)
            {
                caller.Used(Tokens(call, answer, outcome.Receipt));
                return (call, answer, outcome with { Failure = caller.Revoked ?? outcome.Failure });
            }

            if (outcome.Failure.Code == ChannelProof.BooksBehind)
            {
                calls.Doubt(call.ChannelId);
            }
            else
            {
                calls.Rest(call.ChannelId);
            }

            var again = await calls.PrepareAsync(call.Chat, caller, call.AppRequest, caller.Stopped);
            if (!again.TryGet(out var next, out var refusal))
            {
                return (call, answer, outcome with { Failure = refusal });
            }

            call = next;
            recent.Note(call.AppRequest, call.Paid.Id);
        }
    }

    private async Task WholeAsync(PaidCall first, Caller caller, App app, IAppReply reply)
    {
        var (call, answer, outcome) = await RunAsync(first, caller, null);
        if (outcome.Bill is null)
        {
            outcome = await WaitForBillAsync(call, outcome);
            outcome = outcome.Bill is { IsZero: true }
                ? outcome
                : outcome with { Receipt = await missed.FetchAsync(call, answer) };
        }

        var bill = outcome.Bill ?? Amount.Zero;
        if (outcome.Failure is { } failure && (bill.IsZero || !answer.HasOutput || caller.Revoked is not null))
        {
            await FailAsync(call.Chat, bill, failure, app);
            return;
        }

        var body = reply.Whole(Choices(call, answer), Usage(outcome, answer, bill));
        await app.Response.SendJsonAsync(200, body, app.Aborted, app.Headers);
    }

    private static ValueTask FailAsync(ChatRequest chat, Amount bill, Refusal failure, App app)
    {
        var error = AppErrors.From(failure, chat);
        if (bill.IsZero || error.Status == 401)
        {
            return app.FailAsync(error);
        }

        // Charged for nothing that can be shown: an error that no SDK retries.
        app.Headers["x-should-retry"] = "false";
        return app.FailAsync(OpenAiError.Unprocessable(failure.Message, null, failure.Code));
    }

    private async Task<CallOutcome> WaitForBillAsync(PaidCall call, CallOutcome outcome)
    {
        // The receipt decides what the app owes. Where it does not come in time the app pays nothing.
        if (!await chaser.WaitAsync(call.Paid.Id, options.BrokenAnswerWait, CancellationToken.None))
        {
            await books.ReleaseAsync(call.AppRequest);
        }

        // Asked of the ledger, since a receipt may have been booked while the patience ended.
        return outcome with { Bill = await books.BilledAsync(call.AppRequest) };
    }

    private async Task StreamAsync(PaidCall first, Caller caller, App app, IAppReply reply)
    {
        var sink = new AppStream(app.Response, reply, app.Headers);
        var (call, answer, outcome) = await RunAsync(first, caller, sink);
        if (outcome.Failure is { } failure)
        {
            if (sink.IsStarted)
            {
                await sink.FailAsync(AppErrors.From(failure, call.Chat));
            }
            else
            {
                // A status can still be told, and SDKs retry some: so first it must be sure what was charged.
                outcome = outcome.Bill is null ? await WaitForBillAsync(call, outcome) : outcome;
                await FailAsync(call.Chat, outcome.Bill ?? Amount.Zero, failure, app);
            }

            return;
        }

        await sink.EndAsync(Choices(call, answer), Usage(outcome, answer, outcome.Bill ?? Amount.Zero));
    }

    // As the receipt counts them; where none came, what was sent and seen.
    private static ulong Tokens(PaidCall call, Answer answer, Receipt? receipt) =>
        receipt is { } known ? known.InputTokens + known.CachedTokens + known.OutputTokens
        : answer.HasOutput ? call.Plan.PromptTokens + answer.Received
        : 0;

    private static ChatChoice[] Choices(PaidCall call, Answer answer) =>
        [.. answer.Choices.Select((choice, index) => Choice(call, choice, index) with
        {
            StopSequence = answer.MatchedStop(choice),
        })];

    private static ChatChoice Choice(PaidCall call, ChoiceSoFar choice, int index)
    {
        var calls = choice.ToolCalls.All;
        var text = choice.Text.ToString();
        return new ChatChoice(
            index, text.Length == 0 && calls.Count > 0 ? null : text,
            OpenAi.Chat.FinishReasons.Accepted(choice.FinishReason ?? OpenAi.Chat.FinishReasons.Length))
        {
            Reasoning = choice.Reasoning.Length > 0 ? choice.Reasoning.ToString() : null,
            ToolCalls = calls,
            Vectors = choice.Vectors,
            Logprobs = choice.Logprobs.ToJson(),
            PromptLogprobs = choice.PromptLogprobs.ToJson(),
            TokenIds = call.Chat.ReturnTokenIds ? choice.Ids : null,
        };
    }

    private Usage Usage(CallOutcome outcome, Answer answer, Amount bill)
    {
        var receipt = outcome.Receipt;
        return new Usage(
            receipt is null ? 0 : (long)(receipt.InputTokens + receipt.CachedTokens),
            receipt is null ? (long)answer.Received : (long)receipt.OutputTokens)
        {
            CachedTokens = receipt is null ? 0 : (long)receipt.CachedTokens,
            Cost = bill.ToDecimal(chain.Network.CurrencyDecimals),
        };
    }

    /// <summary>Where an answer goes, and in which API's words.</summary>
    private sealed record App(
        IAppApi Api, IWireResponse Response, WireHeaders Headers, RequestId Id, CancellationToken Aborted)
    {
        public ValueTask FailAsync(OpenAiError error) =>
            Door.SendErrorAsync(Response, error, Headers, Aborted, Api.Error(error, Id));
    }
}
