using Souk.Chain;
using Souk.Gateway.Receipts;
using Souk.Ledger.Customer;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.Protocol;
using Souk.Wire;

namespace Souk.Gateway.Chat;

/// <summary>Answers <c>POST /v1/chat/completions</c>, streamed and whole, exactly in OpenAI's shapes.</summary>
internal sealed class ChatDesk(
    GatewayOptions options, IMarketChain chain, CallDesk calls, PaidStream stream, ReceiptChaser chaser,
    ReceiptBooks books, RecentCalls recent, TimeProvider time)
{
    private const int MostAttempts = 4;

    /// <summary>Answers a request of an API key.</summary>
    public async Task HandleAsync(
        WireRequest request, IWireResponse response, ApiKeyAccount key, RequestId appRequest, CancellationToken aborted)
    {
        var headers = Door.Headers(appRequest);
        var parsed = ChatRequest.Parse(request.Body);
        if (!parsed.IsOk)
        {
            await Door.SendErrorAsync(response, parsed.Error, headers, aborted);
            return;
        }

        var chat = parsed.Value;
        var prepared = await calls.PrepareAsync(chat, key, appRequest, aborted);
        if (!prepared.TryGet(out var call, out var refusal))
        {
            await Door.SendErrorAsync(response, AppErrors.From(refusal), headers, aborted);
            return;
        }

        recent.Note(appRequest, call.Paid.Id);
        if (chat.Stream)
        {
            await StreamAsync(call, key, response, headers, aborted);
        }
        else
        {
            await WholeAsync(call, key, response, headers, aborted);
        }
    }

    // A provider may refuse a channel for a reason that passes, such as a deposit that is not confirmed yet. Nothing
    // was charged and nothing was told, so the same request goes out on another channel.
    private async Task<(PaidCall Call, Answer Answer, CallOutcome Outcome)> RunAsync(
        PaidCall call, ApiKeyAccount key, Func<ChunkChoice, ValueTask>? onPart, CancellationToken aborted)
    {
        for (var attempt = 1; ; attempt++)
        {
            var answer = new Answer(call);
            var outcome = await stream.RunAsync(call, answer, onPart, aborted);
            if (outcome is not { Bill.IsZero: true, Failure.Code: "deposit_unconfirmed" or "channel_busy" }
                || answer.HasOutput || attempt == MostAttempts)
            {
                return (call, answer, outcome);
            }

            calls.Rest(call.ChannelId);
            var again = await calls.PrepareAsync(call.Chat, key, call.AppRequest, aborted);
            if (!again.TryGet(out var next, out var refusal))
            {
                return (call, answer, outcome with { Failure = refusal });
            }

            call = next;
            recent.Note(call.AppRequest, call.Paid.Id);
        }
    }

    private async Task WholeAsync(
        PaidCall first, ApiKeyAccount key, IWireResponse response, WireHeaders headers, CancellationToken aborted)
    {
        var (call, answer, outcome) = await RunAsync(first, key, null, aborted);
        if (outcome.Bill is null)
        {
            outcome = await WaitForBillAsync(call, outcome);
        }

        var bill = outcome.Bill ?? Amount.Zero;
        if (outcome.Failure is { } failure && (bill.IsZero || !answer.HasOutput))
        {
            await FailAsync(bill, failure, response, headers, aborted);
            return;
        }

        var completion = new ChatCompletion(
            "chatcmpl-" + call.AppRequest, time.GetUtcNow().ToUnixTimeSeconds(), call.Chat.Model,
            [.. answer.Choices.Select((choice, index) => Choice(call, choice, index))], Usage(outcome, answer, bill));
        await response.SendJsonAsync(200, completion.ToJson(), aborted, headers);
    }

    private static async Task FailAsync(
        Amount bill, Refusal failure, IWireResponse response, WireHeaders headers, CancellationToken aborted)
    {
        if (bill.IsZero)
        {
            await Door.SendErrorAsync(response, AppErrors.From(failure), headers, aborted);
            return;
        }

        // Charged for nothing that can be shown: an error that no SDK retries.
        headers["x-should-retry"] = "false";
        await Door.SendErrorAsync(
            response, OpenAiError.Unprocessable(failure.Message, null, failure.Code), headers, aborted);
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

    private async Task StreamAsync(
        PaidCall first, ApiKeyAccount key, IWireResponse response, WireHeaders headers, CancellationToken aborted)
    {
        using var writer = new ChatStreamWriter(
            "chatcmpl-" + first.AppRequest, time.GetUtcNow().ToUnixTimeSeconds(), first.Chat.Model);
        var sink = new AppStream(response, writer, headers, first.Chat);
        var (call, answer, outcome) = await RunAsync(first, key, sink.WriteAsync, aborted);
        if (outcome.Failure is { } failure)
        {
            if (sink.IsStarted)
            {
                await sink.FailAsync(AppErrors.From(failure));
            }
            else
            {
                // A status can still be told, and SDKs retry some: so first it must be sure what was charged.
                outcome = outcome.Bill is null ? await WaitForBillAsync(call, outcome) : outcome;
                await FailAsync(outcome.Bill ?? Amount.Zero, failure, response, headers, aborted);
            }

            return;
        }

        await sink.EndAsync(Usage(outcome, answer, outcome.Bill ?? Amount.Zero));
    }

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
}
