using System.Text;
using Souk.Ledger.Customer;
using Souk.OpenAi.Errors;
using Souk.Protocol;
using Souk.Wire;

namespace Souk.Gateway.Front.Idempotency;

/// <summary>
/// <c>Idempotency-Key</c>: an app that is not sure whether its request arrived sends it again under the same name and
/// gets the same reply, charged once. A request with a name is answered to its end even if its app leaves.
/// </summary>
internal sealed class ReplayDesk(TimeProvider time)
{
    /// <summary>The header, as Stripe and the OpenAI SDKs spell it.</summary>
    public const string Header = "idempotency-key";

    private const int MostNameCharacters = 255;
    private const int MostReplies = 16_384;
    private const long MostBytes = 64L << 20;
    private const string ErrorType = "idempotency_error";
    private readonly ReplayShelf _shelf = new(time, MostReplies, MostBytes);

    /// <summary>Answers a request that has the header, by doing the work or from what was kept.</summary>
    /// <param name="work">Answers the request; told the response to write to, and when to stop.</param>
    /// <param name="refuse">Answers with an error instead.</param>
    public async Task AnswerAsync(
        WireRequest request, IWireResponse response, ApiKeyAccount account,
        Func<IWireResponse, CancellationToken, Task> work, Func<OpenAiError, ValueTask> refuse,
        CancellationToken aborted)
    {
        var name = request.Headers[Header]!;
        if (!request.Headers.IsUnique(Header) || name.Length is 0 or > MostNameCharacters
            || name.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            await refuse(new OpenAiError(400, ErrorType, "idempotency_key_invalid", null,
                $"'Idempotency-Key' must be sent once, with 1 to {MostNameCharacters} printable ASCII characters."));
            return;
        }

        var (key, fingerprint) = (new ReplayKey(account.KeyHash, name), Fingerprint(request));
        var (entry, isFirst) = _shelf.Take(key, fingerprint);
        if (isFirst)
        {
            await WorkAsync(key, entry, response, work, aborted);
        }
        else if (entry.Fingerprint != fingerprint)
        {
            // Not 409, which SDKs send again.
            await refuse(new OpenAiError(400, ErrorType, "idempotency_key_reused", null,
                $"The idempotency key '{name}' was used for another request. Use a new key for a new request, or send "
                    + "the same path and body again."));
        }
        else
        {
            await ReplayAsync(name, await entry.Reply.WaitAsync(aborted), response, refuse, aborted);
        }
    }

    private async Task WorkAsync(
        ReplayKey key, Shelved entry, IWireResponse response, Func<IWireResponse, CancellationToken, Task> work,
        CancellationToken aborted)
    {
        var recording = new RecordingResponse(response, _shelf.TryHold);
        KeptReply? reply = null;
        try
        {
            await work(recording, CancellationToken.None);
            reply = recording.IsStarted ? recording.Kept : null;
        }
        finally
        {
            _shelf.Finish(key, entry, reply, recording.Held);
        }

        if (!recording.IsListening)
        {
            // Whoever carries the response learns in this way that it could not be sent.
            aborted.ThrowIfCancellationRequested();
            throw new OperationCanceledException("The app has gone.");
        }
    }

    private static async Task ReplayAsync(
        string name, KeptReply? reply, IWireResponse response, Func<OpenAiError, ValueTask> refuse,
        CancellationToken aborted)
    {
        switch (reply)
        {
            case null:
                await refuse(OpenAiError.Server("The request under this idempotency key failed; send it again."));
                break;
            case { Body: null }:
                await refuse(new OpenAiError(400, ErrorType, "idempotency_reply_too_large", null,
                    $"The request under the idempotency key '{name}' was answered, and its answer was too large to be "
                        + "kept."));
                break;
            default:
                await reply.ReplayAsync(response, aborted);
                break;
        }
    }

    private static Bytes32 Fingerprint(WireRequest request)
    {
        var head = Encoding.UTF8.GetBytes($"{request.Method} {request.Path}\n");
        var bytes = new byte[head.Length + request.Body.Length];
        head.CopyTo(bytes, 0);
        request.Body.CopyTo(bytes.AsMemory(head.Length));
        return Sha.Hash(bytes);
    }
}
