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
    private readonly IWireResponse _response;
    private readonly ChatStreamWriter _writer;
    private readonly List<int>[] _ids;
    private readonly string?[] _reasons;
    private readonly TimeProvider _time;
    private bool _isListening = true;
    private bool _isStarted;
    private bool _isCounted;
    private ulong _reported;
    private ulong _events;

    public PaidRun(Admitted admitted, CoverGate cover, IWireResponse response, TimeProvider time)
        : base(admitted, cover)
    {
        (_admitted, _response, _time) = (admitted, response, time);
        _writer = new ChatStreamWriter(
            (admitted.Chat.Prompt is null ? "chatcmpl-" : "cmpl-") + admitted.Paid.Id,
            time.GetUtcNow().ToUnixTimeSeconds(), admitted.Offer.ModelDigest.ToString(),
            isText: admitted.Chat.Prompt is not null);
        _ids = [.. Enumerable.Range(0, admitted.Chat.Choices).Select(_ => new List<int>())];
        _reasons = new string?[admitted.Chat.Choices];
    }

    /// <summary>Told once the prompt is counted and before any token: prefill begins.</summary>
    public Func<PromptCounted, Bytes32, Task>? Prefilling { get; init; }

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
        if (!_isStarted)
        {
            return false;
        }

        if (Failure is { } failure)
        {
            await SendErrorAsync(failure);
        }
        else
        {
            await SendUsageAsync();
        }

        await SendAsync(ReceiptText.ToComment(receipt));
        await SendAsync(ChatStreamWriter.Done);
        return true;
    }

    /// <inheritdoc/>
    protected override async Task EndedAsync()
    {
        if (!_admitted.CountsIds && !_isCounted && Generated > 0)
        {
            Input = UncountedWork.InputOfBroken(_admitted.Body.Length);
        }

        if (_isStarted)
        {
            await EndChoicesAsync();
        }
    }

    /// <inheritdoc/>
    protected override string? WholeOutcome() => IsWhole ? Ended() : null;

    /// <inheritdoc/>
    protected override void Free() => _writer.Dispose();

    /// <summary>Sends bytes of the stream; a customer that no longer listens is cancelled, not an error.</summary>
    private async ValueTask SendAsync(ReadOnlyMemory<byte> data)
    {
        if (!_isListening)
        {
            return;
        }

        try
        {
            await _response.WriteAsync(data, CancellationToken.None);
        }
        catch (Exception broken) when (broken is OperationCanceledException or IOException)
        {
            _isListening = false;
            Cancel();
        }
    }

    /// <summary>Sends status and headers, the provider's nonce among them, and the role chunks; once.</summary>
    private async Task StartAsync()
    {
        if (_isStarted || !_isListening)
        {
            return;
        }

        try
        {
            await _response.StartAsync(
                200,
                new WireHeaders(3)
                {
                    { "content-type", "text/event-stream" },
                    { "cache-control", "no-store" },
                    { SoukHeaders.ProviderNonce, _admitted.ProviderNonce.ToString() },
                },
                CancellationToken.None);
        }
        catch (Exception broken) when (broken is OperationCanceledException or IOException)
        {
            // Nothing has left, so the receipt still goes out in a header where the connection takes one.
            _isListening = false;
            Cancel();
            return;
        }

        _isStarted = true;
        for (var choice = 0; choice < _ids.Length && _admitted.Chat.Prompt is null; choice++)
        {
            await SendAsync(_writer.Role(choice));
        }
    }

    /// <summary>The chunk that tells usage.</summary>
    private ValueTask SendUsageAsync() => SendAsync(_writer.Usage(
        new Usage((long)(Input + Cached), (long)ChargedOutput()) { CachedTokens = (long)Cached }));

    /// <summary>The event that tells a failure after the start.</summary>
    private ValueTask SendErrorAsync(Refusal refusal) => SendAsync(_writer.Error(
        refusal.Fault == Fault.Theirs
            ? OpenAiError.InvalidRequest(refusal.Message, code: refusal.Code)
            : OpenAiError.BadGateway(refusal.Message, refusal.Code)));

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
        while (Outcome is null && await events.MoveNextAsync())
        {
            await (events.Current switch
            {
                PromptCounted prompt => BeginAsync(prompt),
                PromptScored scored => ScoreAsync(scored),
                TokenOut token => DeliverAsync(token),
                Finished finished => FinishAsync(finished),
                _ => throw new InvalidOperationException($"The engine said {events.Current.GetType().Name}."),
            });
            if (IsWhole)
            {
                Outcome ??= Ended();
            }
            else if (IsCancelled)
            {
                Outcome ??= FinishReasons.Cancelled;
            }
            else if (Outcome is null && Generated < _admitted.MostOutput
                && !await Cover.CoversAsync(Generated + 1, Stopping))
            {
                Outcome = FinishReasons.Length;
            }
        }

        Outcome ??= Ended();
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
        _isCounted = true;
        if (_admitted.CountsIds)
        {
            PromptCommitment = Commitments.Prompt(_admitted.Paid.Salt.ToBytes(), prompt.PromptIds ?? []);
        }

        if (Prefilling is { } prefilling)
        {
            await prefilling(prompt with { Input = (int)Input, Cached = (int)Cached }, PromptCommitment);
        }

        await StartAsync();
    }

    private async Task ScoreAsync(PromptScored scored)
    {
        await StartAsync();
        await SendAsync(_writer.PromptLogprobs(0, scored.Logprobs.Span));
    }

    private async Task DeliverAsync(TokenOut token)
    {
        var count = _admitted.CountsIds ? (ulong)token.Ids.Length : CountEvent(token);
        if (!await Cover.CoversAsync(Generated + count, Stopping))
        {
            Outcome = FinishReasons.Length;
            return;
        }

        if (FirstTokenAtMs == 0)
        {
            await StartAsync();
            FirstTokenAtMs = (ulong)_time.GetUtcNow().ToUnixTimeMilliseconds();
        }

        lock (_ids)
        {
            _ids[token.Choice].AddRange(token.Ids);
        }

        Generated += count;
        await SendAsync(Chunk(token));
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

    private ReadOnlyMemory<byte> Chunk(TokenOut token)
    {
        if (!token.ToolCalls.IsEmpty)
        {
            return _writer.ToolCalls(token.Choice, token.ToolCalls.Span, token.Ids);
        }

        return token.Reasoning is { } reasoning
            ? _writer.Reasoning(token.Choice, reasoning, token.Ids)
            : _writer.Text(token.Choice, token.Refusal ?? token.Text, token.Ids, token.Logprobs.Span);
    }

    private async Task FinishAsync(Finished finished)
    {
        _reported += (ulong)Math.Max(finished.OutputTokens, 0);
        lock (_ids)
        {
            _reasons[finished.Choice] = finished.Reason;
        }

        await SendAsync(_writer.Finish(finished.Choice, finished.Reason));
    }

    // An answer that ran out of cover tells each choice so; one that was cancelled or failed has no more to say.
    private async Task EndChoicesAsync()
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

                await SendAsync(_writer.Finish(choice, FinishReasons.Length));
            }
        }
    }
}
