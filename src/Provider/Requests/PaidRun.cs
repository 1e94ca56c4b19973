using System.Runtime.CompilerServices;
using Souk.Engines;
using Souk.Market.Pricing;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Paid;
using FinishReasons = Souk.Protocol.FinishReasons;

namespace Souk.Provider.Requests;

/// <summary>
/// One paid answer while it is made: pulls the engine only as far as the vouchers cover, streams chunks with token ids,
/// and counts what is charged.
/// </summary>
internal sealed class PaidRun : PaidWork
{
    private readonly Admitted _admitted;
    private readonly AnswerStream _stream;
    private readonly List<int>[] _ids;
    private readonly string?[] _reasons;
    private readonly TimeProvider _time;
    private bool _isCounted;
    private bool _isShort = true;
    private long _countedAt;
    private ulong _reported;
    private ulong _events;

    public PaidRun(Admitted admitted, CoverGate cover, IWireResponse response, TimeProvider time)
        : base(admitted, cover)
    {
        (_admitted, _time) = (admitted, time);
        _stream = new AnswerStream(admitted, response, time, Cancel, Stopping);
        _ids = [.. Enumerable.Range(0, admitted.Chat.Choices).Select(_ => new List<int>())];
        _reasons = new string?[admitted.Chat.Choices];
    }

    /// <summary>Told once the prompt is counted and before any token: prefill begins.</summary>
    public Action<PromptCounted, Bytes32>? Prefilling { get; init; }

    /// <summary>Told where the answer takes so long that its beginning should become durable before its end.</summary>
    public Action? Lasting { get; init; }

    /// <inheritdoc/>
    public override IReadOnlyList<RequestChoice> Choices()
    {
        lock (_ids)
        {
            return [.. _ids.Select((ids, choice) => new RequestChoice([.. ids], _reasons[choice]))];
        }
    }

    /// <inheritdoc/>
    public override ulong ChargedOutput()
    {
        if (_admitted.CountsIds || _reported == 0)
        {
            return Generated;
        }

        var most = (ulong)_admitted.MaxTokens * (ulong)_admitted.Chat.Choices;
        var covered = Charge.OutputWithin(_admitted.Offer.Prices, Input, Cached, Cover.Usable - _admitted.Base) ?? 0;
        return Math.Min(Math.Min(_reported, most), covered);
    }

    /// <inheritdoc/>
    public override async Task<bool> TryEndAsync(Signed<Receipt> receipt)
    {
        if (!_stream.IsStarted)
        {
            return false;
        }

        var usage = new Usage((long)(Input + Cached), (long)ChargedOutput()) { CachedTokens = (long)Cached };
        _stream.AddEnd(usage, Failure is { } failure ? Told(failure) : null, receipt);
        await _stream.SendAsync();
        return true;
    }

    /// <inheritdoc/>
    protected override async Task EndedAsync()
    {
        if (!_admitted.CountsIds && !_isCounted && Generated > 0)
        {
            Input = UncountedWork.InputOfBroken(_admitted.Body.Length);
        }

        if (_stream.IsStarted)
        {
            EndChoices();
        }

        if (!_stream.IsGathering)
        {
            // The receipt takes its time to become durable, and an app that reads along need not wait for it.
            await _stream.SendAsync();
        }
    }

    /// <inheritdoc/>
    protected override string? WholeOutcome() => IsWhole ? Ended() : null;

    /// <inheritdoc/>
    protected override void Free() => _stream.Dispose();

    private static OpenAiError Told(Refusal failure) => failure.Fault == Fault.Theirs
        ? OpenAiError.InvalidRequest(failure.Message, code: failure.Code)
        : OpenAiError.BadGateway(failure.Message, failure.Code);

    /// <inheritdoc/>
    protected override async Task WorkAsync()
    {
        var request = new EngineRequest(
            _admitted.Chat, _admitted.Body, _admitted.Key, _admitted.Sampling, _admitted.MaxTokens, _admitted.Chat.Stop,
            _admitted.Chat.Choices, _admitted.Paid.Channel.Payer.ToString())
        {
            PromptIds = _admitted.Prompts?[0],
        };

        await using var events = _admitted.Sale.Engine
            .GenerateAsync(request, Stopping).GetAsyncEnumerator(Stopping);
        while (Outcome is null && await PullAsync(events))
        {
            await TakeAsync(events.Current);
            LastOn();
            if (_stream.IsFull)
            {
                await _stream.SendAsync();
            }

            if (IsWhole)
            {
                Outcome ??= Ended();
            }
            else if (IsCancelled)
            {
                Outcome ??= FinishReasons.Cancelled;
            }
            else if (Outcome is null && Generated < _admitted.MostOutput
                && !await CoversAsync(Generated + 1))
            {
                Outcome = FinishReasons.Length;
            }
        }

        Outcome ??= Ended();
    }

    // What is held leaves once the engine has nothing more ready. A customer that lets tokens gather waits for them,
    // but is soon told that its answer has begun, however long the prompt takes.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> PullAsync(IAsyncEnumerator<EngineEvent> events)
    {
        var next = events.MoveNextAsync();
        if (next.IsCompleted)
        {
            return await next;
        }

        if (_stream.HasHeld && !_stream.IsGathering)
        {
            await _stream.SendAsync();
        }

        if (FirstTokenAtMs != 0 || !_isCounted)
        {
            return await next;
        }

        var first = next.AsTask();
        await ((Task)first).WaitAsync(AnswerStream.MostHeldTime, _time).ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        if (!first.IsCompleted)
        {
            LastOn();
            await _stream.SendAsync();
        }

        return await first;
    }

    private void LastOn()
    {
        if (_isShort && _isCounted && _time.GetElapsedTime(_countedAt) >= AnswerStream.MostHeldTime)
        {
            _isShort = false;
            Lasting?.Invoke();
        }
    }

    private ValueTask TakeAsync(EngineEvent happened)
    {
        switch (happened)
        {
            case TokenOut token:
                return DeliverAsync(token);
            case Finished finished:
                Finish(finished);
                return default;
            case PromptCounted prompt:
                return new(BeginAsync(prompt));
            case PromptScored scored:
                return ScoreAsync(scored);
            default:
                throw new InvalidOperationException($"The engine said {happened.GetType().Name}.");
        }
    }

    // Whoever is to pay for more has to have what there is: its count of ids goes with the next voucher.
    private async ValueTask<bool> CoversAsync(ulong tokens)
    {
        var covers = Cover.CoversAsync(tokens, Stopping);
        if (!covers.IsCompleted)
        {
            await _stream.SendAsync();
        }

        return await covers;
    }

    private bool IsWhole => !_reasons.Contains(null);

    private string Ended() =>
        _reasons.Contains(FinishReasons.Length) ? FinishReasons.Length : _reasons[0] ?? FinishReasons.Stop;

    private async Task BeginAsync(PromptCounted prompt)
    {
        // A cache that others filled, or that was filled before, is no discount that this customer could check.
        var most = _admitted.CountsIds ? ulong.MaxValue : UncountedWork.MostInput(_admitted.Body.Length);
        Cached = Math.Min((ulong)prompt.Cached, Math.Min(_admitted.MostCached, most));
        Input = Math.Min((ulong)prompt.Input + (ulong)prompt.Cached, most) - Cached;
        if (_admitted.CountsIds)
        {
            PromptCommitment = Commitments.Prompt(_admitted.Paid.Salt.ToBytes(), prompt.PromptIds ?? []);
        }

        if (!_isCounted)
        {
            // An upstream may count again at its end, and a prompt is read once.
            (_isCounted, _countedAt) = (true, _time.GetTimestamp());
            Prefilling?.Invoke(prompt with { Input = (int)Input, Cached = (int)Cached }, PromptCommitment);
        }

        await _stream.StartAsync();
    }

    private async ValueTask ScoreAsync(PromptScored scored)
    {
        await _stream.StartAsync();
        _stream.AddPromptLogprobs(scored.Logprobs.Span);
    }

    private async ValueTask DeliverAsync(TokenOut token)
    {
        var count = _admitted.CountsIds ? (ulong)token.Ids.Length : CountEvent(token);
        if (!await CoversAsync(Generated + count))
        {
            Outcome = FinishReasons.Length;
            return;
        }

        if (FirstTokenAtMs == 0)
        {
            await _stream.StartAsync();
            FirstTokenAtMs = (ulong)_time.GetUtcNow().ToUnixTimeMilliseconds();
        }

        lock (_ids)
        {
            _ids[token.Choice].AddRange(token.Ids);
        }

        Generated += count;
        _stream.Add(token);
    }

    // Counting by usage: one for each event with output, as the customer counts them, up to the limit.
    private ulong CountEvent(TokenOut token)
    {
        var hasContent = token.Text.Length > 0 || !token.ToolCalls.IsEmpty || token.Reasoning is { Length: > 0 }
            || token.Refusal is { Length: > 0 };
        _events += hasContent ? 1UL : 0;
        if (_events > UncountedWork.MostEvents(_admitted.MostOutput))
        {
            throw new EngineException(
                Fault.Ours, "upstream_protocol", "The upstream went on beyond the limit of the answer.");
        }

        return hasContent && Generated < _admitted.MostOutput ? 1UL : 0;
    }

    private void Finish(Finished finished)
    {
        _reported += (ulong)Math.Max(finished.OutputTokens, 0);
        lock (_ids)
        {
            _reasons[finished.Choice] = finished.Reason;
        }

        _stream.AddFinish(finished.Choice, finished.Reason);
    }

    // An answer that ran out of cover tells each choice so; one that was cancelled or failed has no more to say.
    private void EndChoices()
    {
        if (Outcome != FinishReasons.Length)
        {
            return;
        }

        for (var choice = 0; choice < _reasons.Length; choice++)
        {
            if (_reasons[choice] is null)
            {
                lock (_ids)
                {
                    _reasons[choice] = FinishReasons.Length;
                }

                _stream.AddFinish(choice, FinishReasons.Length);
            }
        }
    }
}
