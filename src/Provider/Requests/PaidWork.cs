using Souk.Engines;
using Souk.Ledger;
using Souk.OpenAi.Chat;
using Souk.Protocol;
using Souk.Wire.Paid;
using FinishReasons = Souk.Protocol.FinishReasons;

namespace Souk.Provider.Requests;

/// <summary>An admitted request: what was agreed before any work. The prompts are a text's one, or the inputs to
/// embed, as ids; null where only the upstream counts.</summary>
internal sealed record Admitted(
    PaidRequest Paid, Bytes32 ChannelId, Offer Offer, ModelForSale Sale, ChatRequest Chat, ReadOnlyMemory<byte> Body,
    int[][]? Prompts, Bytes32 RequestCommitment, Bytes32 ProviderNonce, string KeySource, SamplingKey Key,
    SamplingParameters Sampling, Amount Base, ulong MostOutput, ulong StartedAtMs)
{
    /// <summary>Greatest output of one choice, in tokens.</summary>
    public int MaxTokens => Math.Min(Chat.MaxTokens ?? Offer.MaxOutput, Offer.MaxOutput);

    /// <summary>Completes when voucher and admission are durable, and fails where they cannot be. Work may begin
    /// before that, at this side's own risk; nothing of it may leave.</summary>
    public Task Accepted { get; init; } = Task.CompletedTask;

    /// <summary>The most prompt tokens that can be cached: what this customer sent here before.</summary>
    public ulong MostCached { get; init; }

    /// <summary>True when every token id is told and committed to.</summary>
    public bool CountsIds => Offer.Counting == CountingKinds.Ids;
}

/// <summary>
/// One paid request while it is worked on: an answer or embeddings. It counts what is charged, and stops when the
/// customer leaves. Its end is told by <see cref="Outcome"/>; the receipt is signed elsewhere.
/// </summary>
internal abstract class PaidWork(Admitted admitted, CoverGate cover) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();

    /// <summary>What the vouchers cover.</summary>
    public CoverGate Cover { get; } = cover;

    /// <summary>The request as admitted.</summary>
    public Admitted Admitted { get; } = admitted;

    public ulong Input { get; protected set; }

    public ulong Cached { get; protected set; }

    public Bytes32 PromptCommitment { get; protected set; }

    public ulong FirstTokenAtMs { get; protected set; }

    /// <summary>Why it ended, once it has.</summary>
    public string? Outcome { get; protected set; }

    /// <summary>Why the engine or the cover failed, if one did.</summary>
    public Refusal? Failure { get; private set; }

    /// <summary>What the engine threw that no engine should.</summary>
    public Exception? Bug { get; private set; }

    /// <summary>Tokens generated over all choices.</summary>
    public ulong Generated { get; protected set; }

    /// <summary>Whether the customer has cancelled or left.</summary>
    protected bool IsCancelled { get; private set; }

    /// <summary>Cancelled with the work.</summary>
    protected CancellationToken Stopping => _stop.Token;

    /// <summary>Stops at the next token.</summary>
    public void Cancel()
    {
        IsCancelled = true;
        Cover.Close();
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // Whoever cancels found the run just before it ended; there is nothing left to stop.
        }
    }

    /// <summary>A copy of what was generated, by choice.</summary>
    public abstract IReadOnlyList<RequestChoice> Choices();

    /// <summary>The output that is charged: never beyond what is covered or what was asked for.</summary>
    public abstract ulong ChargedOutput();

    /// <summary>Sends what is left of the reply and the receipt with it; false where nothing was sent yet and there
    /// is only a failure to tell.</summary>
    public abstract Task<bool> TryEndAsync(Signed<Receipt> receipt);

    /// <summary>Works to the end, whatever that is. Throws only what is a bug.</summary>
    public async Task RunAsync(CancellationToken aborted)
    {
        using var gone = aborted.UnsafeRegister(static run => ((PaidWork)run!).Cancel(), this);
        try
        {
            await WorkAsync();
        }
        catch (Exception) when (WholeOutcome() is not null)
        {
            // Every choice has told its end, so what happens afterwards changes neither answer nor bill.
            Outcome = WholeOutcome();
        }
        catch (EngineException failed)
        {
            Failure = failed.ToRefusal();
            Outcome = FinishReasons.Error;
        }
        catch (OperationCanceledException) when (IsCancelled)
        {
            Outcome = FinishReasons.Cancelled;
        }
        catch (Exception bug) when (bug is not LedgerException)
        {
            // A fault of the engine must not leave the channel without a receipt.
            Failure = new Refusal(Fault.Ours, "engine_failed", "The provider's engine failed; try again or elsewhere.");
            Outcome = FinishReasons.Error;
            Bug = bug;
        }

        await EndedAsync();
    }

    /// <summary>Ends the request before any work.</summary>
    public Task RefuseAsync(Refusal refusal)
    {
        (Failure, Outcome) = (refusal, FinishReasons.Error);
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        Free();
        _stop.Dispose();
    }

    /// <summary>The work itself; it sets <see cref="Outcome"/>.</summary>
    protected abstract Task WorkAsync();

    /// <summary>How it ended where all was delivered already, or null.</summary>
    protected virtual string? WholeOutcome() => null;

    /// <summary>After the work, however it ended.</summary>
    protected virtual Task EndedAsync() => Task.CompletedTask;

    protected virtual void Free()
    {
    }
}
