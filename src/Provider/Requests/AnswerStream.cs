using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using Souk.Engines;
using Souk.Ledger;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Errors;
using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Provider.Requests;

/// <summary>
/// A streamed answer on its way out. What is added waits here until it is sent, so that what is there together leaves
/// together. Where the customer lets tokens gather, those of a choice become one event as well.
/// </summary>
internal sealed class AnswerStream : IDisposable
{
    // About what one TLS record holds.
    private const int MostHeldBytes = 16 << 10;
    private const ulong MostHeldTokens = 1024;

    private readonly Admitted _admitted;
    private readonly IWireResponse _response;
    private readonly TimeProvider _time;
    private readonly Action _left;
    private readonly CancellationToken _stopping;
    private readonly ChatStreamWriter _writer;
    private readonly ArrayBufferWriter<byte> _held = new(1024);
    private readonly Gathered[] _gathered;
    private readonly ulong _mostTokens;
    private long _lastSent;
    private ulong _tokens;
    private int _characters;
    private bool _isHeadHeld;

    /// <param name="admitted">The request.</param>
    /// <param name="response">Where the answer goes.</param>
    /// <param name="time">Bounds how long tokens gather.</param>
    /// <param name="left">Called when the customer turns out to listen no more.</param>
    /// <param name="stopping">Cancelled with the work.</param>
    public AnswerStream(
        Admitted admitted, IWireResponse response, TimeProvider time, Action left, CancellationToken stopping)
    {
        (_admitted, _response, _time, _left, _stopping) = (admitted, response, time, left, stopping);
        _writer = new ChatStreamWriter(
            (IsText ? "cmpl-" : "chatcmpl-") + admitted.Paid.Id, time.GetUtcNow().ToUnixTimeSeconds(),
            admitted.Offer.ModelDigest.ToString(), isText: IsText);
        _mostTokens = Math.Min(admitted.Paid.Gather, MostHeldTokens);
        // Without ids it is events that the customer counts, so there each stays one of its own.
        _gathered = IsGathering && admitted.CountsIds
            ? [.. Enumerable.Range(0, admitted.Chat.Choices).Select(_ => new Gathered())] : [];
        _lastSent = time.GetTimestamp();
    }

    /// <summary>How long tokens gather while others follow, and how long a customer that lets them gather waits for
    /// the first.</summary>
    public static TimeSpan MostHeldTime { get; } = TimeSpan.FromSeconds(1);

    /// <summary>True once status and headers are sent, or leave with what follows.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>False once the customer has gone.</summary>
    public bool IsListening { get; private set; } = true;

    /// <summary>Whether the customer lets tokens wait for others.</summary>
    public bool IsGathering => _mostTokens > 0;

    /// <summary>Whether anything waits to be sent.</summary>
    public bool HasHeld => _isHeadHeld || _tokens > 0 || _held.WrittenCount > 0;

    /// <summary>Whether so much is held, or for so long, that it has to leave now.</summary>
    public bool IsFull =>
        _held.WrittenCount + _characters >= MostHeldBytes
        || (IsGathering && (_tokens > _mostTokens || _time.GetElapsedTime(_lastSent) >= MostHeldTime));

    private bool IsText => _admitted.Chat.Prompt is not null;

    /// <summary>Begins the answer, once the request's acceptance is durable: status and headers, the provider's nonce
    /// among them, and the role chunks; once.</summary>
    /// <exception cref="LedgerException">The acceptance cannot become durable; nothing has left.</exception>
    /// <exception cref="OperationCanceledException">The work was stopped meanwhile; nothing has left.</exception>
    public async ValueTask StartAsync()
    {
        if (IsStarted || !IsListening)
        {
            return;
        }

        if (!_admitted.Accepted.IsCompletedSuccessfully)
        {
            await _admitted.Accepted.WaitAsync(_stopping);
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
            Leave();
            return;
        }

        IsStarted = _isHeadHeld = true;
        for (var choice = 0; choice < _admitted.Chat.Choices && !IsText; choice++)
        {
            Hold(_writer.Role(choice));
        }
    }

    /// <summary>Adds a step of a choice.</summary>
    public void Add(TokenOut token)
    {
        _tokens += (ulong)Math.Max(token.Ids.Length, 1);
        if (_gathered.Length > 0 && IsPlain(token))
        {
            _gathered[token.Choice].Add(token);
            _characters += token.Text.Length;
            return;
        }

        WriteGathered();
        Hold(Event(token));
    }

    /// <summary>Adds what the model says of the prompt, a logprobs object as JSON.</summary>
    public void AddPromptLogprobs(ReadOnlySpan<byte> logprobs) => Hold(_writer.PromptLogprobs(0, logprobs));

    /// <summary>Adds the end of a choice.</summary>
    public void AddFinish(int choice, string reason)
    {
        WriteGathered();
        Hold(_writer.Finish(choice, reason));
    }

    /// <summary>Adds the end of the answer: its usage or why it failed, the receipt and the end mark.</summary>
    public void AddEnd(Usage usage, OpenAiError? failure, Signed<Receipt> receipt)
    {
        WriteGathered();
        Hold(failure is null ? _writer.Usage(usage) : _writer.Error(failure));
        Hold(ReceiptText.ToComment(receipt));
        Hold(ChatStreamWriter.Done);
    }

    /// <summary>Sends all that is held; a customer that no longer listens is cancelled, not an error.</summary>
    public async ValueTask SendAsync()
    {
        WriteGathered();
        if (IsStarted && IsListening && HasHeld)
        {
            try
            {
                await _response.WriteAsync(_held.WrittenMemory, CancellationToken.None);
            }
            catch (Exception broken) when (broken is OperationCanceledException or IOException)
            {
                Leave();
            }
        }

        _held.ResetWrittenCount();
        (_tokens, _isHeadHeld, _lastSent) = (0, false, _time.GetTimestamp());
    }

    public void Dispose() => _writer.Dispose();

    private static bool IsPlain(TokenOut token) =>
        token.ToolCalls.IsEmpty && token.Logprobs.IsEmpty && token.Reasoning is null && token.Refusal is null;

    private ReadOnlyMemory<byte> Event(TokenOut token)
    {
        if (!token.ToolCalls.IsEmpty)
        {
            return _writer.ToolCalls(token.Choice, token.ToolCalls.Span, token.Ids);
        }

        return token.Reasoning is { } reasoning
            ? _writer.Reasoning(token.Choice, reasoning, token.Ids)
            : _writer.Text(token.Choice, token.Refusal ?? token.Text, token.Ids, token.Logprobs.Span);
    }

    private void WriteGathered()
    {
        for (var choice = 0; choice < _gathered.Length; choice++)
        {
            var (text, ids) = (_gathered[choice].Text, _gathered[choice].Ids);
            if (ids.Count > 0 || text.Length > 0)
            {
                Hold(_writer.Text(choice, text.ToString(), CollectionsMarshal.AsSpan(ids)));
                text.Clear();
                ids.Clear();
            }
        }

        _characters = 0;
    }

    private void Hold(ReadOnlyMemory<byte> written) => _held.Write(written.Span);

    private void Leave()
    {
        IsListening = false;
        _left();
    }

    /// <summary>Text of a choice that becomes one event.</summary>
    private sealed class Gathered
    {
        public StringBuilder Text { get; } = new();

        public List<int> Ids { get; } = [];

        public void Add(TokenOut token)
        {
            Text.Append(token.Text);
            Ids.AddRange(token.Ids);
        }
    }
}
