using Souk.Ledger;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.OpenAi.Errors;
using Souk.Protocol;
using Souk.Wire;

namespace Souk.Gateway.Front.Idempotency;

/// <summary>A named request on its way to an answer: where to write it, what to stop for, what it is called.</summary>
internal delegate Task NamedWork(IWireResponse response, ReplayName name, CancellationToken stop);

/// <summary>
/// <c>Idempotency-Key</c>: an app that is not sure whether its request arrived sends it again under the same name and
/// gets the same reply, charged once, for 24 hours and across restarts. A request with a name is answered to its end
/// even if its app leaves.
/// </summary>
internal sealed class ReplayDesk(Journal<CustomerBook> journal, TimeProvider time)
{
    /// <summary>The header, as Stripe and the OpenAI SDKs spell it.</summary>
    public const string Header = "idempotency-key";

    /// <summary>The header by which an app asks that its reply be kept nowhere: <c>false</c>.</summary>
    public const string KeepHeader = "x-souk-keep-reply";

    private const int MostNameCharacters = 255;
    private const long MostBytesUnderWay = 64L << 20;
    private static readonly TimeSpan _settling = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _lookAgain = TimeSpan.FromMilliseconds(250);
    private readonly ReplayShelf _shelf = new(MostBytesUnderWay);

    /// <summary>How many names an API key has at most within a day.</summary>
    public int MostNames { get; init; } = 131_072;

    /// <summary>How much the kept replies of an API key take at most on the disk, sealed. More are answered, but not
    /// kept.</summary>
    public ulong MostKeptBytes { get; init; } = 256UL << 20;

    /// <summary>Answers a request that has the header, by doing the work or from what was kept.</summary>
    /// <param name="secret">The API key itself.</param>
    /// <param name="visit">The request, with the id that its first doing has.</param>
    /// <param name="work">Answers the request.</param>
    /// <param name="refuse">Answers with an error instead.</param>
    public async Task AnswerAsync(
        string secret, Bytes32 keyHash, Visit visit, NamedWork work, Func<OpenAiError, ValueTask> refuse,
        CancellationToken aborted)
    {
        var (request, text) = (visit.Request, visit.Request.Headers[Header]!);
        if (!request.Headers.IsUnique(Header) || text.Length is 0 or > MostNameCharacters
            || text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            await refuse(ReplayOutcome.Invalid(MostNameCharacters));
            return;
        }

        var name = ReplayName.Of(secret, text, request);
        var (entry, isFirst) = _shelf.Take(name.Id, name.Fingerprint, () => Known(name)?.Fingerprint);
        if (entry.Fingerprint != name.Fingerprint)
        {
            await refuse(ReplayOutcome.Reused(text));
        }
        else if (!isFirst)
        {
            await TellAsync(await entry.Outcome.WaitAsync(aborted), visit.Response, refuse, aborted);
        }
        else if (Known(name) is not null)
        {
            await RepeatAsync(name, text, entry, visit.Response, work, visit, keyHash, refuse, aborted);
        }
        else if (journal.Book.Names.HeldBy(keyHash).Count >= MostNames)
        {
            var full = ReplayOutcome.TooMany(MostNames);
            _shelf.Finish(name.Id, entry, new ReplayOutcome(null, full), 0);
            await refuse(full);
        }
        else
        {
            await WorkAsync(name, text, entry, work, visit, keyHash, aborted);
        }
    }

    private NamedRequest? Known(ReplayName name) => journal.Book.Names.Find(name.Id, Now());

    // The name is in the ledger and nobody in this process is at it.
    private async Task RepeatAsync(
        ReplayName name, string text, Shelved entry, IWireResponse response, NamedWork work, Visit visit,
        Bytes32 keyHash, Func<OpenAiError, ValueTask> refuse, CancellationToken aborted)
    {
        var outcome = ReplayOutcome.Failed;
        try
        {
            outcome = await SettledAsync(name, text, aborted);
        }
        finally
        {
            // Where it turned out to have cost nothing, the place is kept for doing it now.
            if (outcome is not null)
            {
                _shelf.Finish(name.Id, entry, outcome, 0);
            }
        }

        await (outcome is null
            ? WorkAsync(name, text, entry, work, visit, keyHash, aborted)
            : TellAsync(outcome, response, refuse, aborted));
    }

    // What became of a request of an earlier life of this process. Null where it cost nothing: then it may be done
    // again. Until its provider has said what it charged, or is given up, neither is certain.
    private async Task<ReplayOutcome?> SettledAsync(ReplayName name, string text, CancellationToken aborted)
    {
        var deadline = time.GetUtcNow() + _settling;
        while (Known(name) is { } known)
        {
            if (known.KeptBytes is not null)
            {
                var kept = await journal.Ledger.FindNoteAsync(name.Id.ToString(), aborted);
                return kept is { } note && name.Unseal(known.AppRequest, note.Span) is { } plain
                    && KeptReply.FromBytes(plain) is { } reply
                        ? new ReplayOutcome(reply, null)
                        : ReplayOutcome.NotKept(text);
            }

            if (known.IsCharged)
            {
                return ReplayOutcome.NotKept(text);
            }

            if (time.GetUtcNow() >= deadline)
            {
                return ReplayOutcome.Unsettled(text);
            }

            await Task.Delay(_lookAgain, time, aborted);
        }

        return null;
    }

    private async Task WorkAsync(
        ReplayName name, string text, Shelved entry, NamedWork work, Visit visit, Bytes32 keyHash,
        CancellationToken aborted)
    {
        var recording = new RecordingResponse(visit.Response, _shelf.TryHold);
        var outcome = ReplayOutcome.Failed;
        try
        {
            await work(recording, name, CancellationToken.None);
            if (recording.IsStarted)
            {
                outcome = recording.Kept is { Body: not null } whole
                    ? new ReplayOutcome(whole, null)
                    : ReplayOutcome.NotKept(text);
                await KeepAsync(name, outcome.Reply, visit, keyHash);
            }
        }
        finally
        {
            _shelf.Finish(name.Id, entry, outcome, recording.Held);
        }

        await recording.ReleaseAsync();
        if (!recording.IsListening)
        {
            // Whoever carries the response learns in this way that it could not be sent.
            aborted.ThrowIfCancellationRequested();
            throw new OperationCanceledException("The app has gone.");
        }
    }

    private async Task KeepAsync(ReplayName name, KeptReply? reply, Visit visit, Bytes32 keyHash)
    {
        if (reply is not { IsFinal: true } || visit.Request.Headers[KeepHeader] == "false"
            || journal.Book.ApiKeys.GetValueOrDefault(keyHash) is { Limits.DropsReplies: true })
        {
            return;
        }

        var kept = name.Seal(visit.Id, reply.ToBytes());
        if (kept.Length > LedgerLimits.MaxNoteBytes
            || journal.Book.Names.HeldBy(keyHash).Bytes + (ulong)kept.Length > MostKeptBytes)
        {
            return;
        }

        var now = Now();
        try
        {
            await journal.RecordAsync(
                new LedgerNote(kept, now + NamedRequest.KeptMs),
                new ReplyKept(name.Id, name.Fingerprint, keyHash, visit.Id, (ulong)kept.Length, now));
        }
        catch (LedgerException)
        {
            // What it cost is in the ledger already. The app gets its answer; a retry hears that it was not kept.
        }
    }

    private static async Task TellAsync(
        ReplayOutcome outcome, IWireResponse response, Func<OpenAiError, ValueTask> refuse, CancellationToken aborted)
    {
        if (outcome.Reply is { } reply)
        {
            await reply.ReplayAsync(response, aborted);
        }
        else
        {
            await refuse(outcome.Error!);
        }
    }

    private ulong Now() => (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();
}
